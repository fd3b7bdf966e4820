/* nnc.h is C99: this file is compiled with -std=c99 -pedantic-errors, and uses
 * the interface as product documentation shows it. */
#include "runtime/nnc.h"

nnc_code_t trainOneStep(const char *path, const nnc_tensor_t *inputs,
                        size_t num_inputs, const char *weights) {
  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  float loss = 0;
  nnc_status_t status = nnc_plan_open(path, &plan);
  if (status.code == NNC_OK)
    status = nnc_session_create(
        plan, &(nnc_session_options_t){.threads = 2, .seed = 1}, &session);
  if (status.code == NNC_OK)
    status = nnc_session_train_step(session, inputs, num_inputs, &loss);
  if (status.code == NNC_OK)
    status = nnc_session_save(session, weights);
  nnc_session_destroy(session);
  nnc_plan_close(plan);
  return status.code;
}
