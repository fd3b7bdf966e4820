/* Gradients and learning rates, against arithmetic.
 *
 *   rates PLAN FACTOR
 *
 * The plan is rates.nn with gradients, trained by sgd; in step s its rate is
 * "learning_rate" times FACTOR to the power s. */
#include <nnc/nnc.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { batch = 4, width = 3 };

static float x[batch * width], y[batch];
static const int64_t x_shape[] = {batch, width}, y_shape[] = {batch, 1};
static nnc_tensor_t inputs[2];

static void expect(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "does not hold: %s\n", what);
  exit(1);
}

static void done(nnc_status_t status) {
  if (status.code == NNC_OK)
    return;
  fprintf(stderr, "%s\n", status.message);
  exit(1);
}

static void make_data(void) {
  for (int i = 0; i < batch * width; ++i)
    x[i] = (float)(i % 5) - 1.5f;
  for (int i = 0; i < batch; ++i)
    y[i] = (float)i;
  inputs[0].data = x;
  inputs[0].rank = 2;
  inputs[0].shape = x_shape;
  inputs[1].data = y;
  inputs[1].rank = 2;
  inputs[1].shape = y_shape;
}

static void read_weight(nnc_session_t *session, float *weight) {
  done(nnc_session_read_state(session, "dense.weight", weight,
                              width * sizeof *weight));
}

static const float *gradient_of(nnc_session_t *session, const char *name) {
  nnc_tensor_t gradient;
  done(nnc_session_output(session, name, &gradient));
  return gradient.data;
}

/* d/dx of mean (x w + b - y)^2 is 2 / batch * (x w + b - y) w, where b is 0. */
static void check_gradients(nnc_session_t *session) {
  float loss = 0, step_loss = 0, weight[width], after[width];
  read_weight(session, weight);
  done(nnc_session_gradients(session, inputs, 2, &loss));
  const float *of_x = gradient_of(session, "x");
  for (int b = 0; b < batch; ++b) {
    double error = -y[b];
    for (int i = 0; i < width; ++i)
      error += (double)x[b * width + i] * weight[i];
    /* Sums of some products: a few roundings of the largest of them, which is
     * below 10. */
    for (int i = 0; i < width; ++i)
      expect(fabs(of_x[b * width + i] - 2.0 / batch * error * weight[i]) <
                 40 * FLT_EPSILON,
             "the gradient of an input");
  }

  /* A training step goes by the same gradient: w - rate * g, rounded twice. */
  float of_weight[width];
  double rate = 0;
  memcpy(of_weight, gradient_of(session, "dense.weight"), sizeof of_weight);
  done(nnc_session_get_scalar(session, "learning_rate", &rate));
  read_weight(session, after);
  expect(memcmp(after, weight, sizeof after) == 0,
         "gradients change no parameter");
  done(nnc_session_train_step(session, inputs, 2, &step_loss));
  expect(loss == step_loss, "the loss with gradients is the step's");
  read_weight(session, after);
  for (int i = 0; i < width; ++i)
    expect(fabs(after[i] - (weight[i] - rate * of_weight[i])) <=
               FLT_EPSILON *
                   (fabs((double)weight[i]) + fabs(rate * of_weight[i])),
           "the step goes by the gradient");
}

/* The first weight after one step from zero, which is -rate * g, rounded once. */
static float step_from_zero(nnc_session_t *session) {
  const float zeros[width] = {0}, zero = 0;
  float weight[width];
  done(nnc_session_write_state(session, "dense.weight", zeros, sizeof zeros));
  done(nnc_session_write_state(session, "dense.bias", &zero, sizeof zero));
  done(nnc_session_train_step(session, inputs, 2, NULL));
  read_weight(session, weight);
  expect(weight[0] != 0 || weight[1] != 0, "a step changes the weights");
  return weight[0] != 0 ? weight[0] : weight[1];
}

static void check_rates(nnc_session_t *session, double factor) {
  double base = 0, kept = 0;
  done(nnc_session_init(session, 1));
  done(nnc_session_get_scalar(session, "learning_rate", &base));

  /* What a schedule makes of the base is not written back. */
  float first = step_from_zero(session), second = step_from_zero(session);
  expect((double)second == (double)first * factor, "the schedule's factor");
  done(nnc_session_get_scalar(session, "learning_rate", &kept));
  expect(kept == base, "the base stays what it is");

  /* What is set holds for all the next steps. Factors are powers of two, which
   * commute with rounding. */
  done(nnc_session_set_scalar(session, "learning_rate", 2 * base));
  float third = step_from_zero(session), fourth = step_from_zero(session);
  expect((double)third == 2 * (double)first * factor * factor,
         "a rate that was set");
  expect((double)fourth == 2 * (double)first * factor * factor * factor,
         "and the step after");

  /* The step is a scalar to set as well: back to the schedule's beginning. */
  done(nnc_session_set_scalar(session, "step", 0));
  expect(step_from_zero(session) == 2 * first, "the first step again");

  float before[width], after[width];
  done(nnc_session_set_scalar(session, "learning_rate", 0));
  read_weight(session, before);
  done(nnc_session_train_step(session, inputs, 2, NULL));
  read_weight(session, after);
  expect(memcmp(before, after, sizeof after) == 0, "a rate of zero");

  /* Starting over brings the model's own rate back. */
  done(nnc_session_init(session, 1));
  done(nnc_session_get_scalar(session, "learning_rate", &kept));
  expect(kept == base, "the rate after a new start");
}

int main(int argc, char **argv) {
  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  expect(argc == 3, "usage: rates PLAN FACTOR");
  make_data();
  done(nnc_plan_open(argv[1], &plan));
  done(nnc_session_create(plan, NULL, &session));
  check_gradients(session);
  check_rates(session, atof(argv[2]));
  nnc_session_destroy(session);
  nnc_plan_close(plan);
  puts("all of it holds");
  return 0;
}
