" Programs of nnc.
autocmd BufRead,BufNewFile *.nn setfiletype nnc
