// nnc lsp: the Language Server Protocol over standard input and output, for
// programs as they are written.
#include "tools/Compiler.h"
#include "tools/language/Answers.h"
#include "tools/language/Language.h"

#include "frontend/dsl/Limits.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LSP/Transport.h"

#include <cstdio>

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
  explicit BoundedInput(std::FILE *file) : file(file) {}

  bool hasError() const override { return std::ferror(file); }
  bool isEndOfInput() const override { return isOver || std::feof(file); }
  llvm::LogicalResult readStandardMessage(std::string &message) override;
  llvm::LogicalResult readDelimitedMessage(std::string &) override {
    return llvm::failure();
  }

private:
  std::optional<std::string> readLine();

  static constexpr size_t kMostHeaderBytes = 1024;
  // An edit may bring a whole file, each of whose bytes JSON may spell by six.
  static constexpr size_t kMostBytes = 8 * dsl::kMaxSourceBytes;
  static constexpr int kDeepest = 128;

  std::FILE *file;
  bool isOver = false;
};
} // namespace

/// Nothing at the end, or where a line is no header.
std::optional<std::string> BoundedInput::readLine() {
  std::string line;
  for (int c; (c = std::fgetc(file)) != EOF;) {
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
  message.resize(length);
  if (std::fread(message.data(), 1, length, file) != length)
    isOver = true;
  return llvm::success(!isOver && !isTooDeep(message, kDeepest));
}

//===-- The server -------------------------------------------------------===//

namespace {
class Server {
public:
  Server(lsp::MessageHandler &handler, const std::vector<std::string> &plugins)
      : plugins(plugins), publish(handler.outgoingNotification<json::Value>(
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
  void look(const std::string &uri, Document document);

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

  const std::vector<std::string> &plugins;
  lsp::OutgoingNotification<json::Value> publish;
  /// A program that is open, by its address.
  llvm::StringMap<std::unique_ptr<Analysis>> programs;
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
  Answer result = (this->*kAnswer)(*found->second, params);
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

void Server::look(const std::string &uri, Document document) {
  auto analysis = std::make_unique<Analysis>(
      std::move(document), [&](mlir::MLIRContext &context) {
        prepareContext(context);
        // They were loaded once when the server began.
        (void)loadPlugins(context, plugins);
      });
  publish(json::Object{{"uri", uri},
                       {"diagnostics", diagnosticsOf(*analysis, uri)}});
  programs[uri] = std::move(analysis);
}

void Server::open(const Params &params) {
  const json::Object *document = params.object("textDocument");
  if (document)
    look(params.uri(),
         Document(document->getString("text").value_or("").str()));
}

void Server::change(const Params &params) {
  auto found = programs.find(params.uri());
  const json::Object *all = params.value.getAsObject();
  const json::Array *changes = all ? all->getArray("contentChanges") : nullptr;
  if (found == programs.end() || !changes)
    return;
  Document document = found->second->getDocument();
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
  look(params.uri(), std::move(document));
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
  lsp::JSONTransport transport(std::make_unique<BoundedInput>(stdin),
                               llvm::outs());
  lsp::MessageHandler handler(transport);
  Server server(handler, plugins);
  llvm::Error error = transport.run(handler);
  // Without a farewell the editor has gone.
  bool isLost = bool(error);
  llvm::consumeError(std::move(error));
  return isLost || !server.isShutDown() ? InputWrong : Done;
}

} // namespace nnc::tools
