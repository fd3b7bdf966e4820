/* Learns a spiral from the points that it makes itself: no file is read, and
 * nothing but this program has to be installed. */
#define _POSIX_C_SOURCE 199309L
#include "spiral.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { num_points = 300, num_steps = 300 };

static float points[num_points][2];
static uint8_t arms[num_points];

static void make_points(void) {
  for (int i = 0; i < num_points; ++i) {
    int arm = i % 3;
    double along = (double)(i / 3) / (num_points / 3);
    double angle = 4 * along + arm * 2 * 3.14159265 / 3;
    points[i][0] = (float)(along * cos(angle));
    points[i][1] = (float)(along * sin(angle));
    arms[i] = (uint8_t)arm;
  }
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(void) {
  double begin = now_ms(), first_step = 0;
  make_points();
  const int64_t point_shape[] = {num_points, 2}, arm_shape[] = {num_points};
  const nnc_tensor_t inputs[] = {{points, NNC_F32, 2, point_shape},
                                 {arms, NNC_U8, 1, arm_shape}};

  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  nnc_session_options_t options = {0};
  options.threads = 1;
  nnc_status_t status = spiral_open(&plan);
  if (status.code == NNC_OK)
    status = nnc_session_create(plan, &options, &session);

  float loss = 0;
  for (int step = 0; step < num_steps && status.code == NNC_OK; ++step) {
    status = nnc_session_train_step(session, inputs, 2, &loss);
    if (step == 0)
      first_step = now_ms() - begin;
  }
  nnc_tensor_t accuracy;
  if (status.code == NNC_OK)
    status = nnc_session_eval_step(session, inputs, 2, &loss);
  if (status.code == NNC_OK)
    status = nnc_session_output(session, "accuracy", &accuracy);
  if (status.code == NNC_OK)
    printf("loss %.4f  accuracy %.4f  first step after %.2f ms\n", loss,
           *(const float *)accuracy.data, first_step);
  else
    fprintf(stderr, "%s\n", status.message);
  nnc_session_destroy(session);
  nnc_plan_close(plan);
  return status.code != NNC_OK;
}
