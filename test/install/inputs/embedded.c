/* A program whose plan is linked in: it takes one step. */
#include "model.h"

#include <stdio.h>

int main(void) {
  nnc_plan_t *plan = NULL;
  nnc_session_t *session = NULL;
  nnc_status_t status = two_classes_open(&plan);
  if (status.code == NNC_OK)
    status = nnc_plan_check(plan);
  if (status.code == NNC_OK)
    status = nnc_session_create(plan, NULL, &session);
  nnc_session_destroy(session);
  if (status.code == NNC_OK)
    printf("%s on %s\n", nnc_plan_model(plan), nnc_plan_target(plan));
  else
    fprintf(stderr, "%s\n", status.message);
  nnc_plan_close(plan);
  return status.code != NNC_OK;
}
