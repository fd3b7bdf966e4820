// Products by the fake library: see FakeCuda.h.
#include "test/runtime/cuda/CudaTest.h"

#include "runtime/device/ReferenceMatmul.h"

#include <random>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

/// An entry point "multiply" that has one product: inputs a, b, bias; output d.
/// Sizes in elements at batch B: a is padded to whole rows of its layout.
static PlanSource matmulPlan(const Matmul &matmul, int64_t numA, int64_t numB,
                             int64_t numD, int64_t workspaceBytes) {
  PlanSource plan;
  plan.target = "cuda";
  plan.model = "product";
  plan.maxBatch = 6;
  plan.modules = {{0, "sm_90", fakecuda::moduleImage({{"initialize", 4, 32}})}};
  const int64_t operand = sizeBytes(matmul.operandType),
                result = sizeBytes(matmul.resultType);
  const int64_t n = matmul.n.at(1);
  Command command;
  command.kind = Command::Kind::Matmul;
  command.matmul = matmul;
  const int64_t workspaceAt = (numD * result + 63) / 64 * 64;
  command.buffers = {{Region::Input, 0, 0, {numA * operand}},
                     {Region::Input, 1, 0, {numB * operand}},
                     {Region::Arena, 0, 0, {numD * result}}};
  EntryPoint entry;
  entry.name = "multiply";
  entry.inputs = {{"a", matmul.operandType, {numA}, 0, {}, ""},
                  {"b", matmul.operandType, {numB}, 0, {}, ""},
                  {"bias", matmul.resultType, {n}, 0, {}, ""},
                  {"batch", ElementType::U8, {-1}, 0, {}, ""}};
  if (matmul.hasBias())
    command.buffers.push_back({Region::Input, 2, 0, {n * result}});
  if (workspaceBytes)
    command.buffers.push_back(
        {Region::Arena, 0, workspaceAt, {workspaceBytes}});
  entry.outputs = {
      {"d", matmul.resultType, {numD}, 0, command.buffers[2], "output"}};
  entry.commands = {command};
  entry.arenaBytes = workspaceAt + workspaceBytes;
  plan.entryPoints = {entry};
  return plan;
}

static std::vector<char> randomNumbers(ElementType type, int64_t count,
                                       std::mt19937 &random) {
  std::vector<char> bytes(count * sizeBytes(type));
  // Small whole numbers: sums are exact in every type.
  for (int64_t i = 0; i < count; ++i)
    fromDouble(type, double(int(random() % 7)) - 3,
               bytes.data() + i * sizeBytes(type));
  return bytes;
}

static void checkProduct(const Matmul &matmul, int64_t workspaceBytes,
                         int64_t batch) {
  constexpr int64_t room = 2000;
  PlanSource source = matmulPlan(matmul, room, room, room, workspaceBytes);
  auto session = openCuda(source);
  ASSERT_TRUE(session);
  std::mt19937 random(5);
  const ElementType type = matmul.resultType;
  auto a = randomNumbers(matmul.operandType, room, random),
       b = randomNumbers(matmul.operandType, room, random),
       bias = randomNumbers(type, matmul.n.at(batch), random);
  std::vector<char> expected(room * sizeBytes(type));
  void *buffers[] = {a.data(), b.data(), expected.data(), bias.data()};
  computeMatmul(matmul, buffers, batch);
  const EntryPoint &entry = session->plan().entryPoints[0];
  const uint8_t samples[6] = {};
  const void *inputs[] = {a.data(), b.data(), bias.data(), samples};
  // Once command by command, then as graphs with the inputs in either place.
  for (int run = 0; run < 4; ++run) {
    ASSERT_TRUE(session->run(entry, inputs, batch).isOk());
    auto *found =
        static_cast<const char *>(*session->outputData(entry.outputs[0]));
    const int64_t m = matmul.m.at(batch), n = matmul.n.at(batch);
    for (int64_t o = 0; o < matmul.count.at(batch); ++o)
      for (int64_t row = 0; row < m; ++row)
        for (int64_t column = 0; column < n; ++column) {
          int64_t at = (o * matmul.d.stride.at(batch) +
                        row * matmul.d.leading.at(batch) + column) *
                       sizeBytes(type);
          ASSERT_EQ(toDouble(type, found + at),
                    toDouble(type, expected.data() + at))
              << "run " << run << ": " << o << ", " << row << ", " << column;
        }
  }
}

TEST_F(Cuda, ProductsAreThoseOfTheReference) {
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true})
      for (auto epilogue : {Matmul::Epilogue::None, Matmul::Epilogue::Bias,
                            Matmul::Epilogue::Relu, Matmul::Epilogue::BiasRelu})
        for (int64_t batch : {1, 5}) {
          Matmul matmul;
          matmul.name = "product";
          // m is the batch; rows are padded.
          matmul.count = {3};
          matmul.m = {0, 1};
          matmul.n = {7};
          matmul.k = {9};
          matmul.a = {
              transposeA, transposeA ? Extent{0, 2} : Extent{11}, {150}};
          matmul.b = {transposeB, {transposeB ? 10 : 8}, {200}};
          matmul.d = {false, {12}, {100}};
          matmul.epilogue = epilogue;
          checkProduct(matmul, 0, batch);
        }
}

TEST_F(Cuda, ProductsOfEveryType) {
  Matmul matmul;
  matmul.name = "product";
  matmul.count = {1};
  matmul.m = {0, 1};
  matmul.n = {5};
  matmul.k = {4};
  matmul.a = {false, {4}, {0}};
  matmul.b = {false, {5}, {0}};
  matmul.d = {false, {5}, {0}};
  matmul.epilogue = Matmul::Epilogue::Bias;
  using Type = ElementType;
  for (auto [operand, result] :
       {std::pair(Type::F32, Type::F32), std::pair(Type::F64, Type::F64),
        std::pair(Type::F16, Type::F16), std::pair(Type::BF16, Type::F32),
        std::pair(Type::BF16, Type::BF16)}) {
    matmul.operandType = operand;
    matmul.resultType = result;
    matmul.allowTf32 = operand == Type::F32;
    checkProduct(matmul, 4096, 3);
  }
}

static Matmul squareProduct() {
  Matmul matmul;
  matmul.name = "product";
  matmul.count = {1};
  matmul.m = matmul.n = matmul.k = {2};
  matmul.a = matmul.b = matmul.d = {false, {2}, {0}};
  return matmul;
}

TEST_F(Cuda, EveryCallOfAProductMayFail) {
  Matmul matmul = squareProduct();
  matmul.count = {2};
  matmul.a.stride = matmul.b.stride = matmul.d.stride = {4};
  matmul.epilogue = Matmul::Epilogue::BiasRelu;
  PlanSource source = matmulPlan(matmul, 8, 8, 8, 256);
  auto multiply = [&]() -> Status {
    auto session = tryOpen(source);
    if (!session.isOk())
      return session.status();
    float a[8] = {1, 2, 3, 4}, bias[2] = {};
    const uint8_t samples[6] = {};
    const void *inputs[] = {a, a, bias, samples};
    return (*session)->run((*session)->plan().entryPoints[0], inputs, 1);
  };
  ASSERT_TRUE(multiply().isOk());
  auto counts = fakecuda::callCounts();
  for (const auto &[name, count] : counts) {
    if (name.find("cublasLt") != 0)
      continue;
    for (int64_t nth = 1; nth <= count; ++nth) {
      fakecuda::reset();
      fakecuda::failCall(name, nth, 15);
      Status status = multiply();
      std::string what = concat(name, " number ", nth);
      EXPECT_EQ(status.code(), Code::DeviceError) << what;
      EXPECT_NE(status.message().find(concat(name, ": a fake status (15)")),
                std::string::npos)
          << what << ": " << status.message();
      EXPECT_EQ(fakecuda::liveObjects(), 0) << what;
      EXPECT_EQ(fakecuda::misuses(), std::vector<std::string>()) << what;
    }
  }
}

TEST_F(Cuda, AlgorithmsAreChosenOnce) {
  Matmul matmul = squareProduct();
  auto session = openCuda(matmulPlan(matmul, 4, 4, 4, 0));
  float a[4] = {1, 2, 3, 4}, bias[2] = {};
  const uint8_t samples[6] = {};
  const void *inputs[] = {a, a, bias, samples};
  const EntryPoint &entry = session->plan().entryPoints[0];
  setenv("NNC_CUDA_GRAPHS", "0", 1);
  for (int64_t batch : {1, 2, 1, 2, 1})
    ASSERT_TRUE(session->run(entry, inputs, batch).isOk());
  // Once for each batch.
  EXPECT_EQ(fakecuda::callCounts()["cublasLtMatmulAlgoGetHeuristic"], 2);
  EXPECT_EQ(fakecuda::callCounts()["cublasLtMatmul"], 5);
  fakecuda::failCall("cublasLtMatmul", 1, 13);
  Status status = session->run(entry, inputs, 1);
  EXPECT_EQ(status.code(), Code::DeviceError);
  EXPECT_EQ(status.message(),
            "product 'product': cublasLtMatmul: a fake status (13)");
}
