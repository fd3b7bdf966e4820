// Errors with places in a model's source, and the nearest known name.
#ifndef NNC_FRONTEND_DSL_DIAGNOSTICS_H
#define NNC_FRONTEND_DSL_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SMLoc.h"

#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace nnc::dsl {

/// A second place that a message is about: "declared here".
struct Note {
  llvm::SMLoc loc;
  std::string text;
};

/// Reports through MLIR's diagnostic engine. The same message at the same place
/// is given once: a function's body is seen again at every call of it.
class Diagnostics {
public:
  Diagnostics(const llvm::SourceMgr &sources, mlir::MLIRContext *context);

  void error(llvm::SMLoc loc, const llvm::Twine &message,
             llvm::ArrayRef<Note> notes = {});
  void warning(llvm::SMLoc loc, const llvm::Twine &message,
               llvm::ArrayRef<Note> notes = {});

  /// File, line and column; both count from one, columns in bytes.
  mlir::FileLineColLoc location(llvm::SMLoc loc) const;

  bool failed() const { return errorCount != 0; }
  /// True once so many errors were given that more would not be read.
  bool full() const { return errorCount >= kMaxErrors; }

private:
  static constexpr unsigned kMaxErrors = 50;
  static constexpr unsigned kMaxWarnings = 50;

  bool isNew(llvm::SMLoc loc, const std::string &message);
  void report(mlir::DiagnosticSeverity severity, llvm::SMLoc loc,
              const std::string &message, llvm::ArrayRef<Note> notes);

  const llvm::SourceMgr &sources;
  mlir::MLIRContext *context;
  llvm::StringSet<> reported;
  unsigned errorCount = 0;
  unsigned warningCount = 0;
  /// Of each buffer that a place was asked for. A search from the place back to
  /// its line's start would cost a long line's length every time.
  mutable llvm::DenseMap<unsigned, std::vector<const char *>> lineStarts;
};

/// The candidate nearest to `name` by edit distance, or empty where none is
/// near enough to be what was meant. Long names, and candidates after the first
/// thousands, are not looked at.
llvm::StringRef nearestName(llvm::StringRef name,
                            llvm::ArrayRef<llvm::StringRef> candidates);

/// "; did you mean 'NAME'?", or nothing where no candidate is near.
std::string suggestion(llvm::StringRef name,
                       llvm::ArrayRef<llvm::StringRef> candidates);

/// A message of the dialect in the words of the program: "'nnc.matmul' op ..."
/// becomes "'matmul' ...", and 'tensor<?x4xf32>' f32[batch, 4].
std::string inUsersTerms(const std::string &message);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_DIAGNOSTICS_H
