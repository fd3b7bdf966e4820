// Which order a file's weights are in, and from one order to the other.
#include "runtime/WeightsOrder.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace nnc::runtime {

const char *nameOf(WeightsOrder order) {
  return order == WeightsOrder::Pytorch ? "pytorch" : "nnc";
}

std::optional<WeightsOrder> findOrder(std::string_view name) {
  for (WeightsOrder order : {WeightsOrder::Nnc, WeightsOrder::Pytorch})
    if (name == nameOf(order))
      return order;
  return std::nullopt;
}

//===-- Tensors ----------------------------------------------------------===//

static Shape permuteShape(const Shape &shape,
                          const std::vector<int64_t> &dims) {
  Shape permuted;
  for (int64_t dim : dims)
    permuted.push_back(shape[dim]);
  return permuted;
}

Shape shapeIn(WeightsOrder order, const StateTensor &tensor) {
  bool isPermuted =
      order == WeightsOrder::Pytorch && !tensor.pytorchDims.empty();
  return isPermuted ? permuteShape(tensor.shape, tensor.pytorchDims)
                    : tensor.shape;
}

bool isPermutedIn(WeightsOrder order, const StateTensor &tensor) {
  if (order == WeightsOrder::Nnc)
    return false;
  std::vector<int64_t> larger;
  for (int64_t dim : tensor.pytorchDims)
    if (tensor.shape[dim] != 1)
      larger.push_back(dim);
  return !std::is_sorted(larger.begin(), larger.end());
}

/// The elements of a row-major tensor with dimension dims[i] as dimension i.
static std::vector<char> permute(const char *from, const Shape &shape,
                                 const std::vector<int64_t> &dims,
                                 int64_t elementBytes) {
  const size_t rank = shape.size();
  Shape strides(rank, elementBytes); // of `shape`, in bytes
  for (size_t i = rank; i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  const Shape sizes = permuteShape(shape, dims);
  std::vector<char> to(*numElements(shape) * elementBytes);
  Shape index(rank, 0); // into `to`
  int64_t source = 0;   // of the element at `index`
  for (size_t offset = 0; offset < to.size(); offset += elementBytes) {
    std::memcpy(to.data() + offset, from + source, elementBytes);
    for (size_t i = rank; i-- > 0;) {
      source += strides[dims[i]];
      if (++index[i] < sizes[i])
        break;
      source -= strides[dims[i]] * sizes[i];
      index[i] = 0;
    }
  }
  return to;
}

std::vector<char> reverseDimensions(const char *data, const Shape &shape,
                                    int64_t elementBytes) {
  std::vector<int64_t> dims(shape.size());
  for (size_t i = 0; i < dims.size(); ++i)
    dims[i] = dims.size() - 1 - i;
  return permute(data, shape, dims, elementBytes);
}

std::vector<char> toPytorch(const StateTensor &tensor, const char *data) {
  return permute(data, tensor.shape, tensor.pytorchDims,
                 sizeBytes(tensor.elementType));
}

std::vector<char> fromPytorch(const StateTensor &tensor, const char *data) {
  std::vector<int64_t> inverse(tensor.pytorchDims.size());
  for (size_t i = 0; i < inverse.size(); ++i)
    inverse[tensor.pytorchDims[i]] = i;
  return permute(data, shapeIn(WeightsOrder::Pytorch, tensor), inverse,
                 sizeBytes(tensor.elementType));
}

//===-- Files ------------------------------------------------------------===//

/// What the metadata say. Files from before there was a choice are in nnc's.
static StatusOr<std::optional<WeightsOrder>>
readMetadata(const SafetensorsFile &file) {
  auto told = file.metadata().find(orderKey);
  if (told == file.metadata().end())
    return file.metadata().count(kindKey) ? std::optional(WeightsOrder::Nnc)
                                          : std::optional<WeightsOrder>();
  if (std::optional<WeightsOrder> order = findOrder(told->second))
    return order;
  return Status(Code::InvalidFile,
                concat("the metadata ", quote(orderKey), " is ",
                       quote(told->second), ", expected 'nnc' or 'pytorch'"));
}

namespace {
/// Which orders the shapes of a file speak for: a tensor each.
struct Witnesses {
  const StateTensor *nnc = nullptr, *pytorch = nullptr, *either = nullptr;
};
} // namespace

static Witnesses collectWitnesses(const Plan &plan,
                                  const SafetensorsFile &file) {
  std::map<std::string_view, const SavedTensor *> saved;
  for (const SavedTensor &tensor : file.tensors())
    saved[tensor.name] = &tensor;
  Witnesses witnesses;
  for (const StateTensor &tensor : plan.state) {
    auto found = saved.find(tensor.name);
    if (found == saved.end() || !isPermutedIn(WeightsOrder::Pytorch, tensor))
      continue;
    const Shape &shape = found->second->shape;
    bool isNnc = shape == tensor.shape;
    bool isPytorch = shape == shapeIn(WeightsOrder::Pytorch, tensor);
    const StateTensor **witness = isNnc && isPytorch ? &witnesses.either
                                  : isNnc            ? &witnesses.nnc
                                  : isPytorch        ? &witnesses.pytorch
                                                     : nullptr;
    if (witness && !*witness)
      *witness = &tensor;
  }
  return witnesses;
}

static StatusOr<WeightsOrder> tellByShapes(const Plan &plan,
                                           const SafetensorsFile &file) {
  Witnesses witnesses = collectWitnesses(plan, file);
  if (witnesses.nnc && witnesses.pytorch)
    return Status(Code::InvalidFile,
                  concat(quote(witnesses.nnc->name),
                         " has its dimensions in nnc's order and ",
                         quote(witnesses.pytorch->name),
                         " in PyTorch's: a file has one of them"));
  if (witnesses.pytorch)
    return WeightsOrder::Pytorch;
  if (witnesses.nnc || !witnesses.either)
    return WeightsOrder::Nnc;
  const StateTensor &tensor = *witnesses.either;
  return Status(
      Code::InvalidFile,
      concat("the dimensions of ", quote(tensor.name), ", ",
             describe(tensor.elementType, tensor.shape),
             ", may be in nnc's order or in PyTorch's, and no tensor of the "
             "file tells which: say --weights-order nnc or --weights-order "
             "pytorch (in C, the order of nnc_load_options_t)"));
}

StatusOr<WeightsOrder> chooseOrder(const Plan &plan,
                                   const SafetensorsFile &file,
                                   std::optional<WeightsOrder> given) {
  StatusOr<std::optional<WeightsOrder>> told = readMetadata(file);
  if (!told.isOk())
    return told.status();
  if (given && *told && *given != **told)
    return Status(Code::InvalidFile,
                  concat("the weights are in ", nameOf(**told),
                         "'s order, as the file says, and were asked for in ",
                         nameOf(*given), "'s"));
  if (std::optional<WeightsOrder> order = given ? given : *told)
    return WeightsOrder(*order);
  return tellByShapes(plan, file);
}

} // namespace nnc::runtime
