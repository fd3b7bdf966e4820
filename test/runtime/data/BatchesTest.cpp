// Which samples come in which order, and that each comes once.
#include "runtime/data/Batches.h"
#include "runtime/data/RowFile.h"
#include "runtime/data/Split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace nnc::runtime;

// One column of i32 pairs (i, -i).
static std::vector<Column> pairs(int32_t numSamples) {
  std::vector<Column> columns(1);
  columns[0].name = "x";
  columns[0].elementType = ElementType::I32;
  columns[0].sampleShape = {2};
  columns[0].numSamples = numSamples;
  columns[0].data = AlignedBytes(numSamples * 8);
  for (int32_t i = 0; i < numSamples; ++i) {
    int32_t sample[2] = {i, -i};
    std::memcpy(columns[0].data.data() + 8 * i, sample, 8);
  }
  return columns;
}

static std::vector<int64_t> everything(int64_t count) {
  std::vector<int64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// The samples of the rest of an epoch, in order.
static std::vector<int32_t> drain(Batches &batches) {
  std::vector<int32_t> seen;
  while (*batches.next()) {
    auto *data = static_cast<const int32_t *>(batches.inputs()[0]);
    for (int64_t b = 0; b < batches.size(); ++b) {
      seen.push_back(data[2 * b]);
      EXPECT_EQ(data[2 * b + 1], -data[2 * b]);
    }
  }
  return seen;
}

namespace {
/// Memory of the caller's, which counts how often it is waited for.
class OwnMemory : public BatchMemory {
public:
  StatusOr<uint8_t *> allocate(int64_t sizeBytes) override {
    parts.emplace_back(size_t(sizeBytes));
    uint8_t *begin = parts.back().data();
    return std::move(begin);
  }
  Status waitForReaders() override {
    ++waits;
    return {};
  }

  std::vector<std::vector<uint8_t>> parts;
  int waits = 0;
};
} // namespace

TEST(Batches, AreGatheredInGivenMemory) {
  auto columns = pairs(101);
  Batches one(columns, everything(101), 8), other(columns, everything(101), 8);
  OwnMemory memory;
  memory.parts.reserve(8);
  for (int threads : {0, 3}) {
    ASSERT_TRUE(other.gatherInto(memory, threads).isOk());
    for (int epoch = 0; epoch < 2; ++epoch) {
      one.shuffle(1, epoch);
      other.shuffle(1, epoch);
      memory.waits = 0;
      EXPECT_EQ(drain(other), drain(one));
      // Before each slot is filled anew.
      EXPECT_EQ(memory.waits, 13);
    }
  }
  EXPECT_TRUE(other.isInGivenMemory() && other.mayWait());
}

// The same pairs, `padding` bytes more a row, in a file that memory does not
// keep.
static std::vector<Column> storedPairs(int32_t numSamples, int64_t padding) {
  auto columns = pairs(numSamples);
  const int64_t rowBytes = 8 + padding;
  std::vector<uint8_t> rows(size_t(numSamples * rowBytes));
  for (int64_t i = 0; i < numSamples; ++i)
    std::memcpy(rows.data() + i * rowBytes, columns[0].data.data() + 8 * i, 8);
  auto spool = RowSpool::create(rowBytes);
  EXPECT_TRUE(spool.isOk() && spool->append(rows).isOk());
  columns[0].data = {};
  columns[0].stored = std::make_shared<RowParts>(spool->finish("rows"), 0, 8);
  return columns;
}

TEST(Batches, SamplesInFilesComeAsThoseInMemory) {
  auto inMemory = pairs(3000);
  std::vector<int64_t> most;
  for (int64_t i = 0; i < 3000; ++i)
    if (i % 7 != 0)
      most.push_back(i);
  ThreadPool pool(3);
  // Rows of which a block has 32,768, 260 and none.
  for (int64_t padding : {0, 1000, 300000}) {
    auto stored = storedPairs(padding > 1000 ? 70 : 3000, padding);
    const auto &samples = padding > 1000 ? everything(70)
                          : padding      ? most
                                         : everything(3000);
    for (const GatheringThreads &threads :
         {GatheringThreads(), {2}, {2, &pool}}) {
      Batches one(inMemory, samples, 32), other(stored, samples, 32, threads);
      EXPECT_EQ(drain(other), drain(one));
      for (int64_t window : {0, 40, 600})
        for (int epoch = 0; epoch < 2; ++epoch) {
          one.shuffle(1, epoch, window);
          other.shuffle(1, epoch, window);
          one.skip(epoch);
          other.skip(epoch);
          EXPECT_EQ(drain(other), drain(one));
        }
      EXPECT_TRUE(other.mayWait() && !one.mayWait());
    }
  }
}

TEST(Batches, MayBeTakenElsewhere) {
  auto columns = pairs(101);
  for (int64_t window : {0, 10}) {
    Batches one(columns, everything(101), 8),
        other(columns, everything(101), 8);
    other.gatherNothing();
    one.shuffle(1, 1, window);
    other.shuffle(1, 1, window);
    one.skip(2);
    other.skip(2);
    const std::vector<int64_t> order = other.samplesInOrder();
    std::vector<int32_t> seen;
    while (*other.next())
      for (int64_t b = 0; b < other.size(); ++b)
        seen.push_back(int32_t(order[size_t(other.firstPlace() + b)]));
    EXPECT_EQ(seen, drain(one));
  }
}

TEST(Batches, LastBatchIsRagged) {
  auto columns = pairs(10);
  Batches batches(columns, everything(10), 4);
  EXPECT_EQ(batches.numBatches(), 3);
  std::vector<int64_t> sizes;
  while (*batches.next())
    sizes.push_back(batches.size());
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 2}));
}

TEST(Batches, EachEpochSeesEachSampleOnce) {
  auto columns = pairs(101);
  Batches batches(columns, everything(101), 8);
  batches.shuffle(1, 0);
  std::vector<int32_t> first = drain(batches);
  batches.shuffle(1, 1);
  std::vector<int32_t> second = drain(batches);
  EXPECT_NE(first, second);
  for (auto *seen : {&first, &second}) {
    std::sort(seen->begin(), seen->end());
    for (int i = 0; i < 101; ++i)
      EXPECT_EQ((*seen)[i], i);
  }
}

TEST(Batches, OrderIsOfSeedAndEpochAlone) {
  auto columns = pairs(50);
  Batches one(columns, everything(50), 8), other(columns, everything(50), 5);
  one.shuffle(3, 0);
  one.shuffle(3, 1);
  other.shuffle(3, 1);
  std::vector<int32_t> order = drain(one);
  EXPECT_EQ(order, drain(other));
  one.shuffle(4, 1);
  EXPECT_NE(order, drain(one));
}

TEST(Batches, SkipResumes) {
  auto columns = pairs(20);
  Batches batches(columns, everything(20), 6);
  batches.shuffle(1, 2);
  std::vector<int32_t> all = drain(batches);
  batches.rewind();
  batches.skip(2);
  EXPECT_EQ(drain(batches), std::vector<int32_t>(all.begin() + 12, all.end()));
  batches.rewind();
  batches.skip(9);
  EXPECT_FALSE(*batches.next());
}

TEST(Batches, WindowsMixNeighbours) {
  auto columns = pairs(103);
  Batches batches(columns, everything(103), 8),
      other(columns, everything(103), 5);
  batches.shuffle(3, 1, 10);
  std::vector<int32_t> order = drain(batches);
  other.shuffle(3, 1, 10);
  EXPECT_EQ(order, drain(other));
  std::vector<int32_t> firsts;
  for (size_t begin = 0; begin < order.size(); begin += 10) {
    const size_t end = std::min(begin + 10, order.size());
    std::vector<int32_t> window(order.begin() + begin, order.begin() + end);
    EXPECT_FALSE(std::is_sorted(window.begin(), window.end()));
    std::sort(window.begin(), window.end());
    firsts.push_back(window[0]);
    for (size_t i = 0; i < window.size(); ++i)
      EXPECT_EQ(window[i], window[0] + int32_t(i));
  }
  // The windows are shuffled too, but for the last, which is smaller.
  EXPECT_EQ(firsts.back(), 100);
  EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end()));
  std::sort(firsts.begin(), firsts.end());
  for (size_t i = 0; i < firsts.size(); ++i)
    EXPECT_EQ(firsts[i], int32_t(10 * i));
  batches.rewind();
  batches.skip(7);
  EXPECT_EQ(drain(batches),
            std::vector<int32_t>(order.begin() + 56, order.end()));
  batches.shuffle(3, 2, 10);
  EXPECT_NE(drain(batches), order);
  // A window of all is none.
  batches.shuffle(3, 2, 1000);
  order = drain(batches);
  batches.shuffle(3, 2);
  EXPECT_EQ(drain(batches), order);
}

TEST(Batches, WindowsOfSamplesThatAreNotAll) {
  auto columns = pairs(60);
  std::vector<int64_t> odd;
  for (int64_t i = 1; i < 60; i += 2)
    odd.push_back(i);
  Batches batches(columns, odd, 7);
  batches.shuffle(1, 1, 12);
  std::vector<int32_t> order = drain(batches);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, std::vector<int32_t>(odd.begin(), odd.end()));
}

TEST(Batches, SplitHoldsOutAFraction) {
  Split split = splitSamples(1000, 0.1, 7);
  EXPECT_EQ(split.validation.size(), 100u);
  EXPECT_EQ(split.training.size(), 900u);
  std::vector<int64_t> all = split.training;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, everything(1000));
  EXPECT_EQ(splitSamples(1000, 0.1, 7).validation, split.validation);
  EXPECT_NE(splitSamples(1000, 0.1, 8).validation, split.validation);
  EXPECT_TRUE(splitSamples(10, 0, 1).validation.empty());
}
