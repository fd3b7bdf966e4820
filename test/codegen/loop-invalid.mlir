// RUN: nnc-opt %s --split-input-file --verify-diagnostics --nnc-outline-kernels --nnc-lower-to-linalg --nnc-print-memory-plan=max-batch=8 -o /dev/null

func.func @loop_in_a_loop(%h0: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %last = nnc.scan carried(%h = %h0) steps = 5 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
    // expected-error @below {{is a loop in the step of another, of which a plan has none}}
    %0 = nnc.scan carried(%k = %h) steps = 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
      %1 = nnc.tanh %k : tensor<?x4xf32>
      nnc.yield %1 : tensor<?x4xf32>
    }
    nnc.yield %0 : tensor<?x4xf32>
  }
  return %last : tensor<?x4xf32>
}
