// nnc lsp: the Language Server Protocol over standard input and output, for
// programs as they are written.
#include "tools/Compiler.h"
#include "tools/language/Answers.h"
#include "tools/language/Language.h"

#include "frontend/dsl/Limits.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LSP/Transport.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

using llvm::StringRef;
namespace json = llvm::json;
namespace lsp = llvm::lsp;

namespace nnc::tools {

//===-- Messages ---------------------------------------------------------===//

namespace {
/// What a message brings, as it is.
struct Params {
  json::Value value = nullptr;

  const json::Object *object(StringRef name) const {
    const json::Object *all = value.getAsObject();
    return all ? all->getObject(name) : nullptr;
  }
  std::string uri() const {
    const json::Object *document = object("textDocument");
    return document ? document->getString("uri").value_or("").str() : "";
  }
};

bool fromJSON(const json::Value &value, Params &params, json::Path) {
  params.value = value;
  return true;
}

/// Messages with a header that says how long they are, of a bounded length and
/// depth: the reader of JSON recurses.
class BoundedInput : public lsp::JSONTransportInput {
public:
  bool hasError() const override { return false; }
  bool isEndOfInput() const override { return isOver; }
  /// Whether another message has begun to come.
  bool hasMore() const;
  llvm::LogicalResult readStandardMessage(std::string &message) override;
  llvm::LogicalResult readDelimitedMessage(std::string &) override {
    return llvm::failure();
  }

private:
  int readByte();
  std::optional<std::string> readLine();

  static constexpr size_t kMostHeaderBytes = 1024;
  // An edit may bring a whole file, each of whose bytes JSON may spell by six.
  static constexpr size_t kMostBytes = 8 * dsl::kMaxSourceBytes;
  static constexpr int kDeepest = 128;

  std::vector<char> buffer = std::vector<char>(1 << 16);
  size_t begin = 0, end = 0; // of what is in it
  bool isOver = false;
};
} // namespace

bool BoundedInput::hasMore() const {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return begin < end || (poll(&input, 1, 0) > 0 && (input.revents & POLLIN));
}

/// -1 at the end.
int BoundedInput::readByte() {
  if (begin == end) {
    ssize_t count;
    do
      count = read(STDIN_FILENO, buffer.data(), buffer.size());
    while (count < 0 && errno == EINTR);
    begin = 0;
    end = std::max<ssize_t>(count, 0);
    if (end == 0)
      return -1;
  }
  return static_cast<unsigned char>(buffer[begin++]);
}

/// Nothing at the end, or where a line is no header.
std::optional<std::string> BoundedInput::readLine() {
  std::string line;
  for (int c; (c = readByte()) >= 0;) {
    if (c == '\n') {
      if (!line.empty() && line.back() == '\r')
        line.pop_back();
      return line;
    }
    line += char(c);
    if (line.size() > kMostHeaderBytes)
      break;
  }
  isOver = true;
  return std::nullopt;
}

static bool isTooDeep(StringRef message, int deepest) {
  int depth = 0;
  bool isInString = false;
  for (size_t i = 0; i < message.size(); ++i) {
    char c = message[i];
    if (isInString && c == '\\')
      ++i;
    else if (c == '"')
      isInString = !isInString;
    else if (!isInString && (c == '[' || c == '{'))
      ++depth;
    else if (!isInString && (c == ']' || c == '}'))
      --depth;
    if (depth > deepest)
      return true;
  }
  return false;
}

llvm::LogicalResult BoundedInput::readStandardMessage(std::string &message) {
  size_t length = 0;
  for (;;) {
    std::optional<std::string> line = readLine();
    if (!line)
      return llvm::failure();
    if (line->empty() && length > 0)
      break;
    StringRef header = *line;
    if (header.consume_front_insensitive("content-length:") &&
        (header.trim().getAsInteger(10, length) || length > kMostBytes)) {
      // Where the next message begins is not to be known.
      isOver = true;
      return llvm::failure();
    }
  }
  message.clear();
  for (int c; message.size() < length && (c = readByte()) >= 0;)
    message += char(c);
  isOver |= message.size() < length;
  return llvm::success(!isOver && !isTooDeep(message, kDeepest));
}

//===-- The server -------------------------------------------------------===//

namespace {
/// A program that is open. After an edit there is no analysis of it until
/// somebody asks, or nobody types any more.
struct Program {
  Document document;
  std::unique_ptr<Analysis> analysis;
};

class Server {
public:
  Server(lsp::MessageHandler &handler, const BoundedInput &input,
         const std::vector<std::string> &plugins)
      : input(input), plugins(plugins),
        publish(handler.outgoingNotification<json::Value>(
            "textDocument/publishDiagnostics")) {
    listen(handler);
  }

  bool isShutDown() const { return shutDown; }

private:
  using Reply = lsp::Callback<json::Value>;
  using Answer = llvm::Expected<json::Value>;

  void listen(lsp::MessageHandler &handler);
  template <Answer (Server::*kAnswer)(Analysis &, const Params &)>
  void answer(const Params &params, Reply reply);
  void initialize(const Params &params, Reply reply);
  void shutdown(const Params &, Reply reply) {
    shutDown = true;
    reply(nullptr);
  }
  void ignore(const Params &) {}
  void open(const Params &params);
  void change(const Params &params);
  void close(const Params &params);
  void look(const std::string &uri);
  void lookLater(const std::string &uri);

  Answer onHover(Analysis &analysis, const Params &params) {
    return hover(analysis, offset(analysis, params));
  }
  Answer onDefinition(Analysis &analysis, const Params &params) {
    return definition(analysis, offset(analysis, params), params.uri());
  }
  Answer onReferences(Analysis &analysis, const Params &params) {
    const json::Object *context = params.object("context");
    bool withDeclaration =
        context && context->getBoolean("includeDeclaration").value_or(true);
    return references(analysis, offset(analysis, params), params.uri(),
                      withDeclaration);
  }
  Answer onHighlight(Analysis &analysis, const Params &params) {
    return highlights(analysis, offset(analysis, params));
  }
  Answer onOutline(Analysis &analysis, const Params &) {
    return outline(analysis);
  }
  Answer onFormatting(Analysis &analysis, const Params &) {
    return formatting(analysis);
  }
  Answer onSignatureHelp(Analysis &analysis, const Params &params) {
    return signatureHelp(analysis, offset(analysis, params));
  }
  Answer onCompletion(Analysis &analysis, const Params &params) {
    return completion(analysis, offset(analysis, params));
  }
  Answer onPrepareRename(Analysis &analysis, const Params &params) {
    return renameable(analysis, offset(analysis, params));
  }
  Answer onRename(Analysis &analysis, const Params &params) {
    StringRef name =
        params.value.getAsObject()->getString("newName").value_or("");
    return rename(analysis, offset(analysis, params), name, params.uri());
  }

  static size_t offset(const Analysis &analysis, const Params &params);

  const BoundedInput &input;
  const std::vector<std::string> &plugins;
  lsp::OutgoingNotification<json::Value> publish;
  /// Programs that are open, by their addresses.
  llvm::StringMap<Program> programs;
  bool shutDown = false;
};
} // namespace

/// Of an editor's `{line, character}`; nothing that it may say is out of
/// bounds.
static Position positionIn(const json::Object *place) {
  auto count = [&](StringRef name) {
    return place ? size_t(std::max<int64_t>(
                       0, place->getInteger(name).value_or(0)))
                 : 0;
  };
  return {count("line"), count("character")};
}

size_t Server::offset(const Analysis &analysis, const Params &params) {
  return analysis.getDocument().offsetOf(positionIn(params.object("position")));
}

template <Server::Answer (Server::*kAnswer)(Analysis &, const Params &)>
void Server::answer(const Params &params, Reply reply) {
  auto found = programs.find(params.uri());
  if (found == programs.end())
    return reply(llvm::make_error<lsp::LSPError>(
        "this document is not open", lsp::ErrorCode::InvalidParams));
  if (!found->second.analysis)
    look(params.uri());
  Answer result = (this->*kAnswer)(*found->second.analysis, params);
  if (!result)
    return reply(llvm::make_error<lsp::LSPError>(
        llvm::toString(result.takeError()), lsp::ErrorCode::RequestFailed));
  reply(std::move(*result));
}

void Server::listen(lsp::MessageHandler &handler) {
  handler.method("initialize", this, &Server::initialize);
  handler.method("shutdown", this, &Server::shutdown);
  handler.notification("initialized", this, &Server::ignore);
  handler.notification("textDocument/didOpen", this, &Server::open);
  handler.notification("textDocument/didChange", this, &Server::change);
  handler.notification("textDocument/didClose", this, &Server::close);
  handler.method("textDocument/hover", this, &Server::answer<&Server::onHover>);
  handler.method("textDocument/definition", this,
                 &Server::answer<&Server::onDefinition>);
  handler.method("textDocument/references", this,
                 &Server::answer<&Server::onReferences>);
  handler.method("textDocument/documentHighlight", this,
                 &Server::answer<&Server::onHighlight>);
  handler.method("textDocument/documentSymbol", this,
                 &Server::answer<&Server::onOutline>);
  handler.method("textDocument/formatting", this,
                 &Server::answer<&Server::onFormatting>);
  handler.method("textDocument/signatureHelp", this,
                 &Server::answer<&Server::onSignatureHelp>);
  handler.method("textDocument/completion", this,
                 &Server::answer<&Server::onCompletion>);
  handler.method("textDocument/prepareRename", this,
                 &Server::answer<&Server::onPrepareRename>);
  handler.method("textDocument/rename", this,
                 &Server::answer<&Server::onRename>);
}

void Server::initialize(const Params &, Reply reply) {
  json::Object capabilities{
      {"positionEncoding", "utf-16"},
      {"textDocumentSync", json::Object{{"openClose", true}, {"change", 2}}},
      {"hoverProvider", true},
      {"definitionProvider", true},
      {"referencesProvider", true},
      {"documentHighlightProvider", true},
      {"documentSymbolProvider", true},
      {"documentFormattingProvider", true},
      {"renameProvider", json::Object{{"prepareProvider", true}}},
      {"completionProvider",
       json::Object{{"triggerCharacters", json::Array{"(", ",", "="}}}},
      {"signatureHelpProvider",
       json::Object{{"triggerCharacters", json::Array{"(", ","}}}},
  };
  reply(json::Object{
      {"capabilities", std::move(capabilities)},
      {"serverInfo",
       json::Object{{"name", "nnc"}, {"version", NNC_TOOLS_VERSION}}}});
}

//===-- Documents --------------------------------------------------------===//

void Server::look(const std::string &uri) {
  Program &program = programs.find(uri)->second;
  program.analysis = std::make_unique<Analysis>(
      program.document, [&](mlir::MLIRContext &context) {
        prepareContext(context);
        // They were loaded once when the server began.
        (void)loadPlugins(context, plugins);
      });
  publish(json::Object{{"uri", uri},
                       {"diagnostics", diagnosticsOf(*program.analysis, uri)}});
}

/// Of edits that come faster than programs are looked at, only what the last of
/// them leaves is.
void Server::lookLater(const std::string &uri) {
  programs.find(uri)->second.analysis = nullptr;
  if (input.hasMore())
    return;
  for (auto &entry : programs)
    if (!entry.second.analysis)
      look(entry.getKey().str());
}

void Server::open(const Params &params) {
  const json::Object *document = params.object("textDocument");
  if (!document)
    return;
  Document text(document->getString("text").value_or("").str());
  programs.insert_or_assign(params.uri(), Program{std::move(text), nullptr});
  lookLater(params.uri());
}

void Server::change(const Params &params) {
  auto found = programs.find(params.uri());
  const json::Object *all = params.value.getAsObject();
  const json::Array *changes = all ? all->getArray("contentChanges") : nullptr;
  if (found == programs.end() || !changes)
    return;
  Document &document = found->second.document;
  for (const json::Value &value : *changes) {
    const json::Object *edit = value.getAsObject();
    if (!edit)
      continue;
    StringRef text = edit->getString("text").value_or("");
    const json::Object *range = edit->getObject("range");
    if (range)
      document.replace(positionIn(range->getObject("start")),
                       positionIn(range->getObject("end")), text);
    else
      document = Document(text.str());
    // What grows beyond any program is cut: the look at it says so.
    if (document.getText().size() > 2 * dsl::kMaxSourceBytes)
      document = Document(
          document.getText().take_front(2 * dsl::kMaxSourceBytes).str());
  }
  lookLater(params.uri());
}

void Server::close(const Params &params) {
  programs.erase(params.uri());
  publish(json::Object{{"uri", params.uri()}, {"diagnostics", json::Array()}});
}

int serveEditor(const std::vector<std::string> &plugins) {
  {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    prepareContext(context);
    if (int exit = loadPlugins(context, plugins))
      return exit;
  }
  lsp::Logger::setLogLevel(lsp::Logger::Level::Error);
  auto input = std::make_unique<BoundedInput>();
  const BoundedInput &messages = *input;
  lsp::JSONTransport transport(std::move(input), llvm::outs());
  lsp::MessageHandler handler(transport);
  Server server(handler, messages, plugins);
  llvm::Error error = transport.run(handler);
  // Without a farewell the editor has gone.
  bool isLost = bool(error);
  llvm::consumeError(std::move(error));
  return isLost || !server.isShutDown() ? InputWrong : Done;
}

} // namespace nnc::tools
