{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":1,"rootPath":"nnc","capabilities":{},"trace":"off"}}
// -----
{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"test:///square.mlir","languageId":"mlir","version":1,"text":"func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n  %y = extra.square %x : tensor<4xf32>\n  return %y : tensor<4xf32>\n}"}}}
// -----
{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{"textDocument":{"uri":"test:///square.mlir"},"position":{"line":1,"character":9}}}
// -----
{"jsonrpc":"2.0","id":2,"method":"shutdown"}
// -----
{"jsonrpc":"2.0","method":"exit"}
