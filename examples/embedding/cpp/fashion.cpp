// Trains a network on Fashion-MNIST in shuffled order with its own schedule of
// the learning rate, and tests it on two threads, each with a session.
//
//   fashion PLAN DATA-FOLDER EPOCHS WEIGHTS
//
// The plan is examples/fashion_mnist.nn, compiled; the folder has the four
// files, uncompressed.
#include <nnc/nnc.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

constexpr size_t pixels = 28 * 28;

struct Dataset {
  std::vector<uint8_t> images, labels;
  size_t size() const { return labels.size(); }
};

/// An IDX file without its header of 4 bytes and 4 for each dimension.
static std::vector<uint8_t> readIdx(const std::string &path, size_t rank) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  bytes.erase(bytes.begin(),
              bytes.begin() + std::min(bytes.size(), 4 + 4 * rank));
  return bytes;
}

static Dataset readDataset(const std::string &folder,
                           const std::string &split) {
  return {readIdx(folder + "/" + split + "-images-idx3-ubyte", 3),
          readIdx(folder + "/" + split + "-labels-idx1-ubyte", 1)};
}

/// Samples in an order, copied together a batch at a time.
class Batch {
public:
  void gather(const Dataset &data, const size_t *samples, size_t count) {
    images.clear();
    labels.clear();
    for (size_t i = 0; i < count; ++i) {
      auto image = data.images.begin() + samples[i] * pixels;
      images.insert(images.end(), image, image + pixels);
      labels.push_back(data.labels[samples[i]]);
    }
    imageShape = {static_cast<int64_t>(count), 28, 28};
    labelShape = {static_cast<int64_t>(count)};
    inputs = {nnc::tensor(images.data(), imageShape),
              nnc::tensor(labels.data(), labelShape)};
  }

  const nnc_tensor_t *data() const { return inputs.data(); }
  size_t size() const { return labels.size(); }

private:
  std::vector<uint8_t> images, labels;
  std::array<int64_t, 3> imageShape;
  std::array<int64_t, 1> labelShape;
  std::array<nnc_tensor_t, 2> inputs;
};

/// The samples from `begin` to `end` by batches, for as long as all goes well.
template <typename Body>
static nnc_status_t forEachBatch(const Dataset &data,
                                 const std::vector<size_t> &order, size_t begin,
                                 size_t end, size_t batchSize, Body body) {
  nnc_status_t status = {NNC_OK, ""};
  Batch batch;
  for (size_t i = begin; i < end && status.code == NNC_OK; i += batchSize) {
    batch.gather(data, order.data() + i, std::min(batchSize, end - i));
    status = body(batch);
  }
  return status;
}

static std::vector<size_t> naturalOrder(const Dataset &data) {
  std::vector<size_t> order(data.size());
  std::iota(order.begin(), order.end(), size_t(0));
  return order;
}

static nnc_status_t trainEpoch(nnc_session_t *session, const Dataset &data,
                               size_t batchSize, unsigned seed, double &loss) {
  std::vector<size_t> order = naturalOrder(data);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  double sum = 0;
  nnc_status_t status = forEachBatch(
      data, order, 0, order.size(), batchSize, [&](const Batch &batch) {
        float batchLoss = 0;
        nnc_status_t status =
            nnc_session_train_step(session, batch.data(), 2, &batchLoss);
        sum += double(batchLoss) * batch.size();
        return status;
      });
  loss = sum / data.size();
  return status;
}

/// How many of the samples from `begin` to `end` are classified right.
static nnc_status_t countRight(nnc_session_t *session, const Dataset &data,
                               size_t begin, size_t end, size_t batchSize,
                               double &right) {
  return forEachBatch(
      data, naturalOrder(data), begin, end, batchSize, [&](const Batch &batch) {
        nnc_tensor_t accuracy;
        nnc_status_t status =
            nnc_session_eval_step(session, batch.data(), 2, nullptr);
        if (status.code == NNC_OK)
          status = nnc_session_output(session, "accuracy", &accuracy);
        if (status.code == NNC_OK)
          right += *static_cast<const float *>(accuracy.data) * batch.size();
        return status;
      });
}

/// What a thread of the test does, and came to.
struct Part {
  size_t begin, end;
  double right = 0;
  nnc_code_t code = NNC_OK;
  /// A status's message belongs to its thread: it is copied to outlive it.
  std::string message = {};
};

static void testPart(const nnc::PlanHandle &plan, const char *weights,
                     const Dataset &data, size_t batchSize, Part &part) {
  nnc::SessionHandle session;
  nnc_session_options_t options = {};
  options.threads = 1;
  nnc_status_t status = nnc::createSession(plan, options, session);
  if (status.code == NNC_OK)
    status = nnc_session_load(session.get(), weights);
  if (status.code == NNC_OK)
    status = countRight(session.get(), data, part.begin, part.end, batchSize,
                        part.right);
  part.code = status.code;
  part.message = status.message;
}

static int testOnThreads(const nnc::PlanHandle &plan, const char *weights,
                         const Dataset &data, size_t batchSize) {
  Part parts[] = {{0, data.size() / 2}, {data.size() / 2, data.size()}};
  std::vector<std::thread> threads;
  for (Part &part : parts)
    threads.emplace_back(
        [&] { testPart(plan, weights, data, batchSize, part); });
  for (std::thread &thread : threads)
    thread.join();
  double right = 0;
  for (const Part &part : parts) {
    if (part.code != NNC_OK) {
      std::fprintf(stderr, "%s\n", part.message.c_str());
      return 1;
    }
    right += part.right;
  }
  std::printf("test  accuracy %.4f\n", right / data.size());
  return 0;
}

static int fail(nnc_status_t status) {
  std::fprintf(stderr, "%s\n", status.message);
  return 1;
}

static void logToStderr(nnc_log_level_t, const char *message, void *) {
  std::fprintf(stderr, "nnc: %s\n", message);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: fashion PLAN DATA-FOLDER EPOCHS WEIGHTS\n");
    return 2;
  }
  const char *weights = argv[4];
  nnc_set_log(logToStderr, nullptr, NNC_LOG_INFO);
  Dataset training = readDataset(argv[2], "train");
  Dataset testing = readDataset(argv[2], "t10k");
  if (training.images.size() != training.size() * pixels || !training.size() ||
      testing.images.size() != testing.size() * pixels || !testing.size()) {
    std::fprintf(stderr, "%s: no Fashion-MNIST here\n", argv[2]);
    return 1;
  }

  nnc::PlanHandle plan;
  nnc::SessionHandle session;
  nnc_session_options_t options = {};
  options.seed = 7;
  nnc_status_t status = nnc::openPlan(argv[1], plan);
  if (status.code == NNC_OK)
    status = nnc::createSession(plan, options, session);
  if (status.code != NNC_OK)
    return fail(status);

  const size_t batchSize = nnc_plan_max_batch(plan.get());
  const int epochs = std::atoi(argv[3]);
  double rate = 0;
  status = nnc_session_get_scalar(session.get(), "learning_rate", &rate);
  for (int epoch = 1; epoch <= epochs && status.code == NNC_OK; ++epoch) {
    double loss = 0;
    // The model's schedule, at half the rate in every further epoch.
    status = nnc_session_set_scalar(session.get(), "learning_rate", rate);
    if (status.code == NNC_OK)
      status = trainEpoch(session.get(), training, batchSize, epoch, loss);
    if (status.code == NNC_OK)
      std::printf("epoch %d  loss %.4f\n", epoch, loss);
    rate /= 2;
  }
  if (status.code == NNC_OK)
    status = nnc_session_save(session.get(), weights);
  if (status.code != NNC_OK)
    return fail(status);
  return testOnThreads(plan, weights, testing, batchSize);
}
