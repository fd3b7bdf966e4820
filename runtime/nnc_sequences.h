/* Sequences that go on token by token. A part of nnc.h. */
#ifndef NNC_NNC_SEQUENCES_H
#define NNC_NNC_SEQUENCES_H

#include "nnc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A plan that was compiled with --generate has an entry point of one token:
 * what later tokens need of earlier ones stays in the session.
 * docs/generation.md has a program. The calls below return NNC_NOT_FOUND for
 * another plan. */

typedef struct nnc_sequences_t {
  /* How many go on side by side. */
  int64_t count;
  /* How many tokens each may have; 0: any number. */
  int64_t context;
  /* How many tokens there are: they are from 0 to below this. */
  int64_t tokens;
  /* How many tokens each has. */
  int64_t length;
  int64_t reserved[4];
} nnc_sequences_t;

/* Describes the session's sequences. */
NNC_EXPORT nnc_status_t nnc_session_sequences(nnc_session_t *session,
                                              nnc_sequences_t *sequences);

/* Begins all sequences anew: of weights that were loaded since, too. */
NNC_EXPORT nnc_status_t nnc_session_restart_sequences(nnc_session_t *session);

/* Says what is at an input that is not the tokens: what a translator reads,
 * say.
 *
 * data  shaped as nnc_plan_input of "generate" says; borrowed by the calls of
 *       nnc_session_feed, until another is said. */
NNC_EXPORT nnc_status_t nnc_session_sequence_input(nnc_session_t *session,
                                                   const char *name,
                                                   const void *data);

/* Appends a token to each sequence.
 *
 * tokens  one a sequence.
 * logits  receives a number for each token that may be next, [count, tokens];
 *         belongs to the session and stands until the next call. May be null.
 *
 * Returns NNC_INVALID_ARGUMENT for what is no token, and where the sequences
 * are as long as the context: nothing is changed. */
NNC_EXPORT nnc_status_t nnc_session_feed(nnc_session_t *session,
                                         const int32_t *tokens,
                                         size_t num_tokens,
                                         const float **logits);

/* Has sequence i go on from where sequence origins[i] is. */
NNC_EXPORT nnc_status_t nnc_session_rearrange(nnc_session_t *session,
                                              const int32_t *origins,
                                              size_t num_origins);

/* How a token is drawn. All zero: from the model's own distribution. */
typedef struct nnc_sampling_t {
  /* Logits are divided by it. 0: by 1. */
  double temperature;
  /* From how many of the likeliest tokens. 0: from all. */
  int64_t top_k;
  /* From the fewest, the likeliest first, that have this share of the
   * probability together. 0: from all. */
  double top_p;
  int64_t seed;
  /* Not 0: the likeliest token always. */
  int64_t is_greedy;
  int64_t reserved[3];
} nnc_sampling_t;

/* Draws a token: the same for the same logits, options and index.
 *
 * sampling  null: all zero.
 * index     which draw it is, such as the place of the token.
 *
 * Returns NNC_INVALID_ARGUMENT for a number out of range, naming it;
 * NNC_NOT_FINITE if none of the logits is a number above minus infinity. */
NNC_EXPORT nnc_status_t nnc_draw_token(const float *logits, size_t num_logits,
                                       const nnc_sampling_t *sampling,
                                       uint64_t index, int32_t *token);

#ifdef __cplusplus
}
#endif

#endif /* NNC_NNC_SEQUENCES_H */
