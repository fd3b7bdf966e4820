// Starts `nnc lsp` for programs that are open.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const settings = workspace.getConfiguration("nnc");
  const plugins = settings.get("plugins").flatMap((path) => ["--load-pass-plugin", path]);
  client = new LanguageClient(
    "nnc",
    "nnc",
    { command: settings.get("path"), args: ["lsp", ...plugins] },
    { documentSelector: [{ language: "nnc" }] }
  );
  return client.start();
};

exports.deactivate = () => client?.stop();
