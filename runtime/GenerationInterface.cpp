// The C interface of sequences that go on token by token.
#include "runtime/Sampling.h"
#include "runtime/SessionHandle.h"

using namespace nnc::runtime;

/// The session's generator, made when it is first asked for.
static StatusOr<Generator *> generatorOf(nnc_session_t &session) {
  if (!session.generator) {
    StatusOr<Generator> created = Generator::create(*session.session);
    if (!created.isOk())
      return created.status();
    session.generator = std::make_unique<Generator>(std::move(*created));
  }
  return session.generator.get();
}

/// Calls `body` with the generator of `session`.
template <typename Body>
static nnc_status_t callOnGenerator(nnc_session_t *session, Body &&body) {
  return callOn(session, [&]() -> Status {
    StatusOr<Generator *> generator = generatorOf(*session);
    return generator.isOk() ? body(**generator) : generator.status();
  });
}

nnc_status_t nnc_session_sequences(nnc_session_t *session,
                                   nnc_sequences_t *sequences) {
  return callOnGenerator(session, [&](Generator &generator) -> Status {
    if (!sequences)
      return nullArgument("sequences");
    *sequences = {generator.sequences(),
                  generator.context(),
                  generator.tokens(),
                  generator.length(),
                  {}};
    return {};
  });
}

nnc_status_t nnc_session_restart_sequences(nnc_session_t *session) {
  return callOnGenerator(
      session, [&](Generator &generator) { return generator.restart(); });
}

nnc_status_t nnc_session_sequence_input(nnc_session_t *session,
                                        const char *name, const void *data) {
  return callOnGenerator(session, [&](Generator &generator) -> Status {
    if (!name)
      return nullArgument("name");
    for (const TensorInfo *input : generator.otherInputs())
      if (input->name == name)
        return generator.setInput(*input, data);
    return {Code::NotFound,
            concat("sequences have no input ", quote(name), " beside tokens")};
  });
}

nnc_status_t nnc_session_feed(nnc_session_t *session, const int32_t *tokens,
                              size_t num_tokens, const float **logits) {
  return callOnGenerator(session, [&](Generator &generator) -> Status {
    if (!tokens)
      return nullArgument("tokens");
    if (num_tokens != static_cast<size_t>(generator.sequences()))
      return {Code::InvalidArgument,
              concat("there are ", generator.sequences(),
                     " sequences, the call has ", num_tokens, " tokens")};
    Status status = generator.feed(tokens);
    if (status.isOk() && logits)
      *logits = generator.logits().data();
    return status;
  });
}

nnc_status_t nnc_session_rearrange(nnc_session_t *session,
                                   const int32_t *origins, size_t num_origins) {
  return callOnGenerator(session, [&](Generator &generator) -> Status {
    if (!origins)
      return nullArgument("origins");
    return generator.rearrange({origins, origins + num_origins});
  });
}

nnc_status_t nnc_draw_token(const float *logits, size_t num_logits,
                            const nnc_sampling_t *sampling, uint64_t index,
                            int32_t *token) {
  return call([&]() -> Status {
    if (!logits || !token)
      return nullArgument(logits ? "token" : "logits");
    if (num_logits < 1 || num_logits > INT32_MAX)
      return {Code::InvalidArgument, concat("there are ", num_logits,
                                            " logits, expected 1 to 2^31 - 1")};
    Sampling chosen;
    if (sampling) {
      if (Status status = checkReserved(sampling->reserved); !status.isOk())
        return status;
      chosen.temperature = sampling->is_greedy          ? 0
                           : sampling->temperature == 0 ? 1
                                                        : sampling->temperature;
      chosen.topK = sampling->top_k;
      chosen.topP = sampling->top_p == 0 ? 1 : sampling->top_p;
      chosen.seed = sampling->seed;
    }
    if (Status status = checkSampling(chosen); !status.isOk())
      return status;
    StatusOr<int32_t> drawn = drawToken(logits, num_logits, chosen, index);
    if (drawn.isOk())
      *token = *drawn;
    return drawn.status();
  });
}
