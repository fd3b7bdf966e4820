/* The gradients of a model with dropout are those of its next training step.
 *
 *   dropout PLAN */
#include <nnc/nnc.h>

#include <stdio.h>
#include <stdlib.h>

enum { batch = 8, width = 16 };

static void done(nnc_status_t status) {
  if (status.code == NNC_OK)
    return;
  fprintf(stderr, "%s\n", status.message);
  exit(1);
}

int main(int argc, char **argv) {
  float x[batch * width], y[batch] = {1, 2, 3, 4, 5, 6, 7, 8};
  const int64_t x_shape[] = {batch, width}, y_shape[] = {batch, 1};
  const nnc_tensor_t inputs[] = {{x, NNC_F32, 2, x_shape},
                                 {y, NNC_F32, 2, y_shape}};
  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  int same = 0, changes = 0;
  float last = 0;
  if (argc != 2)
    return 2;
  for (int i = 0; i < batch * width; ++i)
    x[i] = (float)(i % 7) - 3;
  done(nnc_plan_open(argv[1], &plan));
  done(nnc_session_create(plan, NULL, &session));
  /* A rate of zero: only what is drawn differs from step to step. */
  done(nnc_session_set_scalar(session, "learning_rate", 0));
  for (int step = 0; step < 20; ++step) {
    float expected = 0, again = 0, loss = 0;
    done(nnc_session_gradients(session, inputs, 2, &expected));
    done(nnc_session_gradients(session, inputs, 2, &again));
    done(nnc_session_train_step(session, inputs, 2, &loss));
    same += expected == loss && again == loss;
    changes += loss != last;
    last = loss;
  }
  printf("%d losses are the step's, %d steps differ\n", same, changes);
  nnc_session_destroy(session);
  nnc_plan_close(plan);
  return 0;
}
