// Finds the library, describes products to it, and keeps the algorithm it
// chose.
#include "runtime/device/CublasLt.h"

#include "runtime/Log.h"
#include "runtime/abi.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace nnc::runtime {

struct CublasLtOperation;
struct CublasLtLayout;
struct CublasLtPreference;

namespace {
/// cublasLtMatmulAlgo_t.
struct Algorithm {
  uint64_t data[8];
};

/// cublasLtMatmulHeuristicResult_t.
struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 96, "as cublasLt.h has it");

/// Values of the enumerations of cublasLt.h, cublas_api.h and library_types.h.
enum : int {
  LayoutBatchCount = 5,
  LayoutBatchStride = 6,
  OperationTransposeA = 3,
  OperationTransposeB = 4,
  OperationEpilogue = 7,
  OperationBiasPointer = 8,
  PreferenceWorkspaceBytes = 1,
  PreferenceAlignmentA = 5,
  PreferenceAlignmentD = 8,
  EpilogueDefault = 1,
  EpilogueRelu = 2,
  EpilogueBias = 4,
  ComputeF32 = 68,
  ComputeF64 = 70,
  ComputeTf32 = 77,
  TypeF32 = 0,
  TypeF64 = 1,
  TypeF16 = 2,
  TypeBf16 = 14,
};
} // namespace

static const char *(*statusText)(int status) = nullptr;

static Status describeError(const char *call, int error) {
  constexpr int allocationFailed = 3;
  return {error == allocationFailed ? Code::OutOfMemory : Code::DeviceError,
          concat(call, ": ", statusText ? statusText(error) : "error", " (",
                 error, ")")};
}

struct CublasLtLibrary {
  template <typename... Arguments>
  using Call = LibraryCall<describeError, Arguments...>;

  Call<CublasLtHandle **> create{"cublasLtCreate"};
  Call<CublasLtHandle *> destroy{"cublasLtDestroy"};
  Call<CublasLtOperation **, int, int> operationCreate{
      "cublasLtMatmulDescCreate"};
  Call<CublasLtOperation *> operationDestroy{"cublasLtMatmulDescDestroy"};
  Call<CublasLtOperation *, int, const void *, size_t> operationSet{
      "cublasLtMatmulDescSetAttribute"};
  Call<CublasLtLayout **, int, uint64_t, uint64_t, int64_t> layoutCreate{
      "cublasLtMatrixLayoutCreate"};
  Call<CublasLtLayout *> layoutDestroy{"cublasLtMatrixLayoutDestroy"};
  Call<CublasLtLayout *, int, const void *, size_t> layoutSet{
      "cublasLtMatrixLayoutSetAttribute"};
  Call<CublasLtPreference **> preferenceCreate{
      "cublasLtMatmulPreferenceCreate"};
  Call<CublasLtPreference *> preferenceDestroy{
      "cublasLtMatmulPreferenceDestroy"};
  Call<CublasLtPreference *, int, const void *, size_t> preferenceSet{
      "cublasLtMatmulPreferenceSetAttribute"};
  /// Operation, layouts of A, B, C, D, preference, most results.
  Call<CublasLtHandle *, CublasLtOperation *, CublasLtLayout *,
       CublasLtLayout *, CublasLtLayout *, CublasLtLayout *,
       CublasLtPreference *, int, Heuristic *, int *>
      findAlgorithms{"cublasLtMatmulAlgoGetHeuristic"};
  /// alpha, A, B, beta, C, D, each matrix with its layout; algorithm,
  /// workspace and its size, stream.
  Call<CublasLtHandle *, CublasLtOperation *, const void *, const void *,
       CublasLtLayout *, const void *, CublasLtLayout *, const void *,
       const void *, CublasLtLayout *, void *, CublasLtLayout *,
       const Algorithm *, void *, size_t, CudaStream *>
      matmul{"cublasLtMatmul"};

  Status load(int driverVersion);
};

/// The first whose functions are as they are here.
static constexpr int oldest = 12;

/// A library needs a driver of its major version or a later one.
static std::vector<std::string> fileNames(int driverVersion) {
  const char *home = std::getenv("CUDA_HOME");
  std::vector<std::string> names;
  for (int major = driverVersion / 1000; major >= oldest; --major) {
    std::string name = concat("libcublasLt.so.", major);
    names.push_back(name);
    if (home && *home)
      names.push_back(concat(home, "/lib64/", name));
    names.push_back(concat("/usr/local/cuda/lib64/", name));
  }
  return names;
}

Status CublasLtLibrary::load(int driverVersion) {
  if (driverVersion / 1000 < oldest)
    return {Code::Unsupported,
            concat("NVIDIA's library of products (libcublasLt.so) needs a "
                   "driver for CUDA ",
                   oldest, " or later, this machine's is for CUDA ",
                   driverVersion / 1000)};
  StatusOr<SharedLibrary> library =
      SharedLibrary::open("NVIDIA's library of products (libcublasLt.so, of "
                          "the CUDA toolkit)",
                          fileNames(driverVersion));
  if (!library.isOk())
    return library.status();
  void *text = library->find("cublasLtGetStatusString");
  std::memcpy(&statusText, &text, sizeof text);
  log(LogLevel::Debug, "products by ", library->name());
  return findCalls(*library, create, destroy, operationCreate, operationDestroy,
                   operationSet, layoutCreate, layoutDestroy, layoutSet,
                   preferenceCreate, preferenceDestroy, preferenceSet,
                   findAlgorithms, matmul);
}

static StatusOr<const CublasLtLibrary *> getLibrary(int driverVersion) {
  static std::mutex mutex;
  static const CublasLtLibrary *loaded = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded) {
    auto library = std::make_unique<CublasLtLibrary>();
    Status status = library->load(driverVersion);
    if (!status.isOk())
      return status;
    // Never given back: the library stays open, too.
    loaded = library.release();
  }
  return static_cast<const CublasLtLibrary *>(loaded);
}

/// A product as the library knows it, and how it computes it.
struct CublasLtProduct {
  CudaHandle<CublasLtOperation> operation = noCudaHandle<CublasLtOperation>();
  CudaHandle<CublasLtLayout> a = noCudaHandle<CublasLtLayout>();
  CudaHandle<CublasLtLayout> b = noCudaHandle<CublasLtLayout>();
  CudaHandle<CublasLtLayout> d = noCudaHandle<CublasLtLayout>();
  Algorithm algorithm = {};
};

StatusOr<std::unique_ptr<CublasLt>> CublasLt::open(int driverVersion) {
  StatusOr<const CublasLtLibrary *> library = getLibrary(driverVersion);
  if (!library.isOk())
    return library.status();
  CublasLtHandle *handle = nullptr;
  Status status = (*library)->create(&handle);
  if (!status.isOk())
    return status;
  return std::unique_ptr<CublasLt>(new CublasLt(**library, handle));
}

CublasLt::CublasLt(const CublasLtLibrary &library, CublasLtHandle *handle)
    : library(library), handle(handle) {}

CublasLt::~CublasLt() { library.destroy.get()(handle); }

static int typeOf(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return TypeF64;
  case ElementType::F16:
    return TypeF16;
  case ElementType::BF16:
    return TypeBf16;
  default:
    return TypeF32;
  }
}

template <typename Call, typename Object, typename Value>
static Status set(const Call &call, Object *object, int attribute,
                  Value value) {
  return call(object, attribute, &value, sizeof value);
}

/// rows x columns of a row-major matrix are columns x rows of a column-major
/// one: what is not transposed for us is stored so for the library.
static Status makeLayout(const CublasLtLibrary &library,
                         const MatrixLayout &layout, ElementType type,
                         int64_t rows, int64_t columns, int64_t count,
                         int64_t batch, CudaHandle<CublasLtLayout> &made) {
  if (layout.transposed)
    std::swap(rows, columns);
  CublasLtLayout *created = nullptr;
  Status status = library.layoutCreate(&created, typeOf(type), columns, rows,
                                       layout.leading.at(batch));
  if (!status.isOk())
    return status;
  made = {created, library.layoutDestroy.get()};
  if (count == 1)
    return {};
  status = set(library.layoutSet, created, LayoutBatchCount, int32_t(count));
  if (status.isOk())
    status = set(library.layoutSet, created, LayoutBatchStride,
                 int64_t(layout.stride.at(batch)));
  return status;
}

static Status makeOperation(const CublasLtLibrary &library,
                            const Matmul &matmul,
                            CudaHandle<CublasLtOperation> &made) {
  const bool isF64 = matmul.operandType == ElementType::F64;
  const bool isTf32 =
      matmul.operandType == ElementType::F32 && matmul.allowTf32;
  CublasLtOperation *created = nullptr;
  Status status = library.operationCreate(&created,
                                          isF64    ? ComputeF64
                                          : isTf32 ? ComputeTf32
                                                   : ComputeF32,
                                          isF64 ? TypeF64 : TypeF32);
  if (!status.isOk())
    return status;
  made = {created, library.operationDestroy.get()};
  // The library's A is our b, see makeLayout.
  status = set(library.operationSet, created, OperationTransposeA,
               int32_t(matmul.b.transposed));
  if (status.isOk())
    status = set(library.operationSet, created, OperationTransposeB,
                 int32_t(matmul.a.transposed));
  if (!status.isOk() || matmul.epilogue == Matmul::Epilogue::None)
    return status;
  return set(library.operationSet, created, OperationEpilogue,
             int32_t((matmul.hasBias() ? EpilogueBias : 0) |
                     (matmul.hasRelu() ? EpilogueRelu : 0)));
}

static size_t numOperands(const Matmul &matmul) {
  return matmul.hasBias() ? 4 : 3;
}

/// What is left of the plan's buffer behind a boundary that the library wants,
/// wherever the buffer lies.
static int64_t workspaceBytes(const Command &command, int64_t batch) {
  if (command.buffers.size() <= numOperands(command.matmul))
    return 0;
  constexpr int64_t most = NNC_LIBRARY_ALIGNMENT_BYTES - NNC_ALIGNMENT_BYTES;
  return std::max<int64_t>(command.buffers.back().sizeBytes.at(batch) - most,
                           0);
}

static void *alignForLibrary(void *buffer) {
  constexpr uintptr_t boundary = NNC_LIBRARY_ALIGNMENT_BYTES;
  auto address = reinterpret_cast<uintptr_t>(buffer);
  return reinterpret_cast<void *>((address + boundary - 1) / boundary *
                                  boundary);
}

static Status chooseAlgorithm(const CublasLtLibrary &library,
                              CublasLtHandle *handle, const Command &command,
                              int64_t batch, CublasLtProduct &product) {
  CublasLtPreference *preference = nullptr;
  Status status = library.preferenceCreate(&preference);
  if (!status.isOk())
    return status;
  CudaHandle<CublasLtPreference> owner(preference,
                                       library.preferenceDestroy.get());
  status = set(library.preferenceSet, preference, PreferenceWorkspaceBytes,
               uint64_t(workspaceBytes(command, batch)));
  // It takes 256 for granted.
  for (int which = PreferenceAlignmentA; which <= PreferenceAlignmentD; ++which)
    if (status.isOk())
      status = set(library.preferenceSet, preference, which,
                   uint32_t(NNC_ALIGNMENT_BYTES));
  if (!status.isOk())
    return status;
  Heuristic found = {};
  int count = 0;
  status = library.findAlgorithms(
      handle, product.operation.get(), product.b.get(), product.a.get(),
      product.d.get(), product.d.get(), preference, 1, &found, &count);
  if (status.isOk() && (count < 1 || found.state != 0))
    status = {Code::Unsupported,
              "cublasLtMatmulAlgoGetHeuristic: no algorithm"};
  product.algorithm = found.algorithm;
  return status;
}

static Status makeProduct(const CublasLtLibrary &library,
                          CublasLtHandle *handle, const Command &command,
                          void *const *buffers, int64_t batch,
                          CublasLtProduct &product) {
  const Matmul &matmul = command.matmul;
  const int64_t m = matmul.m.at(batch), n = matmul.n.at(batch),
                k = matmul.k.at(batch), count = matmul.count.at(batch);
  Status status = makeOperation(library, matmul, product.operation);
  if (status.isOk())
    status = makeLayout(library, matmul.a, matmul.operandType, m, k, count,
                        batch, product.a);
  if (status.isOk())
    status = makeLayout(library, matmul.b, matmul.operandType, k, n, count,
                        batch, product.b);
  if (status.isOk())
    status = makeLayout(library, matmul.d, matmul.resultType, m, n, count,
                        batch, product.d);
  // The choice depends on its alignment.
  if (status.isOk() && matmul.hasBias())
    status = set(library.operationSet, product.operation.get(),
                 OperationBiasPointer, static_cast<const void *>(buffers[3]));
  if (status.isOk())
    status = chooseAlgorithm(library, handle, command, batch, product);
  return status;
}

// More batch sizes than anybody trains with; who has them chooses again.
static constexpr size_t mostProducts = 4096;

StatusOr<const CublasLtProduct *>
CublasLt::choose(const Command &command, void *const *buffers, int64_t batch) {
  if (products.size() >= mostProducts)
    products.clear();
  std::unique_ptr<CublasLtProduct> &known = products[{&command, batch}];
  if (!known) {
    auto made = std::make_unique<CublasLtProduct>();
    Status status =
        makeProduct(library, handle, command, buffers, batch, *made);
    if (!status.isOk())
      return Status(status.code(),
                    concat("product ", quote(command.matmul.name), ": ",
                           status.message()));
    known = std::move(made);
  }
  return static_cast<const CublasLtProduct *>(known.get());
}

Status CublasLt::run(const Command &command, void *const *buffers,
                     int64_t batch, CudaStream *stream) {
  const Matmul &matmul = command.matmul;
  if (matmul.m.at(batch) == 0 || matmul.n.at(batch) == 0 ||
      matmul.count.at(batch) == 0)
    return {};
  StatusOr<const CublasLtProduct *> chosen = choose(command, buffers, batch);
  if (!chosen.isOk())
    return chosen.status();
  const CublasLtProduct &product = **chosen;
  Status status;
  // It may be an input, of which there are two places.
  if (matmul.hasBias())
    status = set(library.operationSet, product.operation.get(),
                 OperationBiasPointer, static_cast<const void *>(buffers[3]));
  if (!status.isOk())
    return status;
  const float one = 1, zero = 0;
  const double one64 = 1, zero64 = 0;
  const bool isF64 = matmul.operandType == ElementType::F64;
  const int64_t workspace = workspaceBytes(command, batch);
  status = library.matmul(
      handle, product.operation.get(),
      isF64 ? static_cast<const void *>(&one64) : &one, buffers[1],
      product.b.get(), buffers[0], product.a.get(),
      isF64 ? static_cast<const void *>(&zero64) : &zero, buffers[2],
      product.d.get(), buffers[2], product.d.get(), &product.algorithm,
      workspace ? alignForLibrary(buffers[command.buffers.size() - 1])
                : nullptr,
      size_t(workspace), stream);
  if (!status.isOk())
    return {status.code(),
            concat("product ", quote(matmul.name), ": ", status.message())};
  return {};
}

} // namespace nnc::runtime
