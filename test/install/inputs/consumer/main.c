/* Shows that headers and library are of one version, and that a call arrives. */
#include <nnc/nnc.h>

#include <stdio.h>

int main(void) {
  nnc_plan_t *plan;
  nnc_status_t status = nnc_plan_open("/nonexistent.plan", &plan);
  printf("nnc %s, abi %d: %s\n", nnc_version(), nnc_abi_version() == NNC_ABI_VERSION,
         status.message);
  return status.code != NNC_NOT_FOUND;
}
