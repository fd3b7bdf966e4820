/* How long a program that links the runtime alone takes from its start to the
 * end of a plan's first training step, in milliseconds.
 *
 *   nnc-first-step MODEL.plan
 *
 * Inputs are zeros, which every element type and index range allows. */
#define _POSIX_C_SOURCE 200809L
#include "runtime/nnc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_INPUTS 16
#define MAX_RANK 8

static int fail(nnc_status_t status) {
  fprintf(stderr, "error: %s\n", status.message);
  return 1;
}

/* Since the kernel started this process: proc(5), stat, field 22, in clock
 * ticks after boot. */
static double process_age_ms(void) {
  FILE *file = fopen("/proc/self/stat", "r");
  char line[2048];
  struct timespec now;
  unsigned long long start_ticks = 0;
  if (!file || !fgets(line, sizeof line, file))
    return -1;
  fclose(file);
  char *field = strrchr(line, ')') + 2;
  for (int i = 3; i < 22; ++i)
    field = strchr(field, ' ') + 1;
  start_ticks = strtoull(field, NULL, 10);
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6 -
         start_ticks * 1e3 / sysconf(_SC_CLK_TCK);
}

static double since_main_ms(const struct timespec *begin) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - begin->tv_sec) * 1e3 +
         (now.tv_nsec - begin->tv_nsec) / 1e6;
}

int main(int argc, char **argv) {
  struct timespec begin;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  if (argc != 2) {
    fprintf(stderr, "usage: nnc-first-step MODEL.plan\n");
    return 2;
  }
  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  nnc_status_t status = nnc_plan_open(argv[1], &plan);
  if (status.code != NNC_OK)
    return fail(status);
  nnc_session_options_t options = {.threads = 2, .seed = 1};
  status = nnc_session_create(plan, &options, &session);
  if (status.code != NNC_OK)
    return fail(status);

  nnc_tensor_t inputs[MAX_INPUTS];
  int64_t shapes[MAX_INPUTS][MAX_RANK];
  size_t num_inputs = nnc_plan_num_inputs(plan, "train_step");
  for (size_t i = 0; i < num_inputs && i < MAX_INPUTS; ++i) {
    nnc_tensor_info_t info;
    status = nnc_plan_input(plan, "train_step", i, &info);
    if (status.code != NNC_OK)
      return fail(status);
    size_t elements = 1;
    for (int d = 0; d < info.rank && d < MAX_RANK; ++d) {
      shapes[i][d] =
          info.shape[d] < 0 ? nnc_plan_max_batch(plan) : info.shape[d];
      elements *= (size_t)shapes[i][d];
    }
    inputs[i].data = calloc(elements, 8);
    inputs[i].element_type = info.element_type;
    inputs[i].rank = info.rank;
    inputs[i].shape = shapes[i];
  }
  float loss = 0;
  status = nnc_session_train_step(session, inputs, num_inputs, &loss);
  if (status.code != NNC_OK)
    return fail(status);
  printf("{\"loss\": %g, \"since_main_ms\": %.2f, \"since_start_ms\": %.1f}\n",
         loss, since_main_ms(&begin), process_age_ms());
  for (size_t i = 0; i < num_inputs; ++i)
    free((void *)inputs[i].data);
  nnc_session_destroy(session);
  nnc_plan_close(plan);
  return 0;
}
