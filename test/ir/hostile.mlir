// Programs that only a hostile file holds: each ends in a message, not in a crash,
// which `not` would tell from an error.
// RUN: not nnc-opt %s --split-input-file --canonicalize 2>&1 | FileCheck %s
// CHECK-COUNT-24: error:

func.func @a(%a: tensor<4xf32>) { %0 = nnc.add %a : tensor<4xf32>
 return }
// -----
func.func @b(%a: tensor<4xf32>) { %0 = nnc.add %a, %a, %a : tensor<4xf32>
 return }
// -----
func.func @c(%a: tensor<4xf32>) { %0 = nnc.slice %a : tensor<4xf32>
 return }
// -----
func.func @d(%a: tensor<4xf32>) { %0 = "nnc.sum"(%a) {axes = 3} : (tensor<4xf32>) -> tensor<f32>
 return }
// -----
func.func @e(%a: tensor<4xf32>) { %0 = "nnc.matmul"() : () -> tensor<f32>
 return }
// -----
func.func @f(%a: tensor<4xf32>) { "nnc.fused"(%a) <{kind = "x"}> ({ ^bb0(%b: tensor<4xf32>): "func.return"() : () -> () }) : (tensor<4xf32>) -> ()
 return }
// -----
func.func @g(%a: tensor<4xf32>) { "nnc.fused"(%a) <{kind = "x"}> ({ }) : (tensor<4xf32>) -> ()
 return }
// -----
func.func @h() { %0 = nnc.constant dense<> : tensor<0xf32>
 return }
// -----
func.func @i() { %0 = nnc.constant dense_resource<x> : tensor<4xf32>
 return }
// -----
func.func @j() { %0 = nnc.constant dense<1.0> : vector<4xf32>
 return }
// -----
func.func @k() { %0 = nnc.constant sparse<0, 1.0> : tensor<4xf32>
 return }
// -----
func.func @l(%a: tensor<*xf32>) { %0 = nnc.exp %a : tensor<*xf32>
 return }
// -----
"nnc.model"() <{sym_name = "m", function_type = (f32) -> f32}> ({ ^bb0: }) : () -> ()
// -----
"nnc.parameter"() <{sym_name = "m", type = i32}> : () -> ()
// -----
func.func @n(%a: tensor<4xf32>) { %0 = nnc.exp %a : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
 return }
// -----
func.func @o(%a: tensor<4xf32>) { nnc.yield %a : tensor<4xf32> }
// -----
func.func @p(%a: tensor<4xf32>) { %0 = nnc.scatter_add %a, %a size = 9223372036854775807 axis = -9223372036854775808 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
 return }
// -----
func.func @q(%i: tensor<4xi32>, %a: tensor<f32>) { %0 = nnc.scatter_add %i, %a size = 9 : (tensor<4xi32>, tensor<f32>) -> tensor<4xf32>
 return }
// -----
func.func @r(%a: tensor<4xf32>) { %0 = nnc.sum %a axes = [9223372036854775807, -9223372036854775808] : (tensor<4xf32>) -> tensor<f32>
 return }
// -----
func.func @s(%a: tensor<4xf32>) { %0 = nnc.transpose %a permutation = [0, 1, 2, 99999999999] : (tensor<4xf32>) -> tensor<f32>
 return }
// -----
func.func @t(%a: tensor<?xf32>) { %0 = nnc.reshape %a shape = [-1, -1] : (tensor<?xf32>) -> tensor<?x?xf32>
 return }
// -----
func.func @u(%a: tensor<?xf32>) { %0 = nnc.size %a axes = [4] : (tensor<?xf32>) -> tensor<f32>
 return }
// -----
func.func @v(%a: tensor<1099511627776xi32>) { %0 = nnc.one_hot %a classes = 1099511627776 : (tensor<1099511627776xi32>) -> tensor<4xf32>
 return }
// -----
nnc.parameter @w : tensor<4xf32> = <normal, {}
// -----
nnc.parameter @w : tensor<4xf32> = "zeros"
// -----
func.func @w(%a: tensor<4xf32>) { %0 = nnc.compare %a, %a predicate = "x" : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
 return }
// -----
func.func @x(%a: tensor<4xf32>) { %0 = nnc.clamp %a min = nan max = 1.0 : tensor<4xf32>
 return }
