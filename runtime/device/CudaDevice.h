// NVIDIA's GPUs: cubins or PTX from the plan, products by cuBLASLt, runs that
// repeat recorded as CUDA graphs.
#ifndef NNC_RUNTIME_DEVICE_CUDADEVICE_H
#define NNC_RUNTIME_DEVICE_CUDADEVICE_H

#include "runtime/Process.h"
#include "runtime/device/CudaCode.h"
#include "runtime/device/Device.h"

namespace nnc::runtime {

struct CudaDriver;
struct CudaContext;

class CudaDevice : public Device {
public:
  /// The GPU of that index among those that the driver shows, which follows
  /// CUDA_VISIBLE_DEVICES. Unsupported if there is no driver or no such GPU.
  static StatusOr<std::unique_ptr<Device>> create(int index);

  ~CudaDevice() override;

  Status check(const MachineCode &code) const override;
  Status load(const Plan &plan) override;
  StatusOr<DeviceMemory> allocate(int64_t sizeBytes, const char *what) override;

  bool sharesHostMemory() const override { return false; }
  StatusOr<DeviceMemory> allocatePinned(int64_t sizeBytes) override;
  Status waitForInputs() override;
  StatusOr<int64_t> freeBytes() override;
  bool holdsSamples() const override;
  Status checkAddress(const void *data, int64_t sizeBytes) override;
  Status letWait(void *stream) override;
  Status zero(void *memory, int64_t sizeBytes) override;
  Status upload(const Transfer &transfer) override;
  Status download(const std::vector<Transfer> &transfers) override;

  int64_t mostSends() const override;
  StatusOr<int64_t> send(std::vector<Transfer> &transfers) override;
  Status receive(int64_t number) override;

  StatusOr<Commands> beginRun(const Run &run, void **addresses) override;
  Status endRun() override;
  void launch(const Command &command, void *const *buffers,
              int64_t batch) override;
  void matmul(const Command &command, void *const *buffers,
              int64_t batch) override;
  void copy(void *to, const void *from, int64_t sizeBytes) override;
  void mark(int64_t command) override;
  Status addTimes(std::vector<double> &seconds) override;

private:
  /// All that lives in the context.
  struct Resources;

  /// A command of the run under way. They are issued when all are known: as a
  /// graph, or one by one should that fail.
  struct Issued {
    enum Kind { Launch, Matmul, Copy, Mark } kind;
    const Command *command;
    /// Of its addresses, in `buffers`.
    size_t firstBuffer;
    Transfer transfer;
    /// A mark's: whose time ends there.
    int64_t index = -1;
  };

  explicit CudaDevice(const CudaDriver &driver);
  Status retain(int index);
  template <typename Body> Status inContext(Body &&body) const;
  template <typename Body> Status waiting(Body &&body);
  Status loseOn(Status status);

  std::string describeFree();
  Status loadModules(const MachineCode &code);
  Status issueAll();
  void record(Issued::Kind kind, const Command &command,
              void *const *addresses);
  Status issueLaunch(const Issued &issued);
  Status issueMark(int64_t index);
  Status addSlice(size_t mark);
  Status runCommands();

  const CudaDriver &driver;
  /// The driver does not work in a child by fork(), not even to release.
  ProcessMark process;
  int device = 0;
  CudaDeviceFacts facts;
  CudaContext *context = nullptr;
  const MachineCode *code = nullptr;
  std::unique_ptr<Resources> resources;

  /// OK, or the error after which the context is of no use.
  Status lost;

  /// Of the run under way.
  const EntryPoint *entry = nullptr;
  int64_t batch = 0;
  int place = 0;
  bool isProfiled = false;
  /// When it began, on the host's clock.
  int64_t runBegin = 0;
  std::vector<Issued> commands;
  /// Copies: the same command has others in the next step of a loop.
  std::vector<void *> buffers;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDADEVICE_H
