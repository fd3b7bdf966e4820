-- Indentation and comments of programs, and `nnc lsp` for what they mean.
-- g:nnc_command is how the server is started, if not by `nnc lsp`.
vim.bo.commentstring = "// %s"
vim.bo.comments = "://"
vim.bo.shiftwidth = 2
vim.bo.expandtab = true

local command = vim.g.nnc_command or { "nnc", "lsp" }
if vim.fn.executable(command[1]) == 0 then
  return
end
local config = { name = "nnc", cmd = command, root_dir = vim.fn.expand("%:p:h") }
if vim.lsp.start then
  vim.lsp.start(config)
else -- before Neovim 0.8
  _G.nnc_client = _G.nnc_client or vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(0, _G.nnc_client)
end
vim.bo.omnifunc = "v:lua.vim.lsp.omnifunc"

local function map(keys, action)
  vim.keymap.set("n", keys, action, { buffer = true })
end
map("K", vim.lsp.buf.hover)
map("gd", vim.lsp.buf.definition)
map("gr", vim.lsp.buf.references)
map("gO", vim.lsp.buf.document_symbol)
map("<leader>rn", vim.lsp.buf.rename)
map("<leader>f", vim.lsp.buf.format or vim.lsp.buf.formatting)
