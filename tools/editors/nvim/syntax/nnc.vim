" Colours of programs, as the grammar of tools/editors/vscode has them.
if exists("b:current_syntax")
  finish
endif
syntax match nncName /\<[A-Za-z_][A-Za-z0-9_]*\>/ contains=nncType,nncControl,nncDeclaration,nncLogical,nncBoolean
syntax match nncCall /\<[A-Za-z_][A-Za-z0-9_.]*(\@=/
syntax match nncArgument /\<[A-Za-z_][A-Za-z0-9_]*\ze\s*==\@!/
syntax match nncStatement /^\s*\zs\(loss\|metric\|output\|layout\|step\|update\|train\|test\|folder\|optimizer\|batch\|epochs\|validation\|seed\|freeze\|group\|buckets\|accumulate\|average\|precision\|clip_norm\|clip_value\|memory_budget\)\>/
syntax match nncBlock /^\(training\|data\|weights\)\>/
syntax keyword nncControl if else for in return
syntax keyword nncDeclaration const fn model param
syntax keyword nncLogical and or not as with
syntax keyword nncBoolean true false
syntax keyword nncType f16 bf16 f32 f64 i32 i64 u8 bool
syntax match nncNumber /\<\d\+\(\.\d\+\)\?\([eE][+-]\?\d\+\)\?\>/
syntax match nncOperator /\*\*\|==\|!=\|<=\|>=\|[-+*/%<>=]\|\.\./
syntax region nncString start=/"/ skip=/\\./ end=/"\|$/ contains=nncEscape
syntax match nncEscape /\\[nt"\\]/ contained
syntax match nncComment +//.*$+

highlight default link nncCall Function
highlight default link nncArgument Identifier
highlight default link nncStatement Statement
highlight default link nncBlock Statement
highlight default link nncControl Conditional
highlight default link nncDeclaration Keyword
highlight default link nncLogical Operator
highlight default link nncBoolean Boolean
highlight default link nncType Type
highlight default link nncNumber Number
highlight default link nncOperator Operator
highlight default link nncString String
highlight default link nncEscape SpecialChar
highlight default link nncComment Comment
let b:current_syntax = "nnc"
