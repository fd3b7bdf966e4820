/* Inputs and outputs in the memory of a GPU. A part of nnc.h. */
#ifndef NNC_NNC_DEVICE_H
#define NNC_NNC_DEVICE_H

#include "nnc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As nnc_session_run_batch, with inputs that are in the memory of the session's
 * GPU already: nothing of them goes through the host.
 *
 * inputs  their `data` are addresses of the GPU's, as cuMemAlloc and cudaMalloc
 *         give them. Indices among them are not looked at: they must be in
 *         range.
 * stream  a CUstream or cudaStream_t of the GPU's; null is its default one. The
 *         run comes after all that the stream was given before the call, and
 *         what it is given afterwards comes after the inputs were read, and may
 *         overwrite them.
 *
 * Returns when the run is queued. NNC_INVALID_ARGUMENT also for an address that
 * is none of a GPU's or is another GPU's, or with less memory behind it than
 * the input takes, naming the input; NNC_UNSUPPORTED if the session runs on the
 * host. */
NNC_EXPORT nnc_status_t nnc_session_run_on_device(nnc_session_t *session,
                                                  const char *entry_point,
                                                  const nnc_tensor_t *inputs,
                                                  size_t num_inputs,
                                                  int64_t batch, void *stream);

/* Gives an output of the entry point that ran last where it is on the GPU.
 *
 * stream  as above: what it is given after the call comes after the run. Work
 * of its that reads the output is to be done before the session runs again;
 *         nnc_session_run_on_device with the same stream sees to that.
 * output  as for nnc_session_output, with an address of the GPU's.
 *
 * Returns what nnc_session_output does; NNC_UNSUPPORTED if the session runs on
 * the host. */
NNC_EXPORT nnc_status_t nnc_session_output_on_device(nnc_session_t *session,
                                                     const char *name,
                                                     void *stream,
                                                     nnc_tensor_t *output);

#ifdef __cplusplus
}
#endif

#endif /* NNC_NNC_DEVICE_H */
