// nnc report: training runs as one page of HTML that needs nothing but a
// browser.
#include "tools/commands/Commands.h"

#include "tools/Output.h"
#include "tools/report/RunFolder.h"

#include "runtime/AtomicFile.h"

#include <iostream>

namespace nnc::tools {

using namespace runtime;

struct ReportOptions {
  std::vector<std::string> folders;
  std::string output = "report.html";
};

/// The page in its parts: what stands between them is styles, script and data.
static constexpr const char pageText[] =
#include "tools/report/page.html.inc"
    ;
static constexpr const char styleText[] =
#include "tools/report/page.css.inc"
    ;
static constexpr const char chartText[] =
#include "tools/report/charts.js.inc"
    ;
static constexpr const char sectionText[] =
#include "tools/report/sections.js.inc"
    ;

/// JSON that cannot end the element that it stands in.
static std::string forElement(const nlohmann::ordered_json &data) {
  std::string text;
  for (char c : toLine(data))
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  return text;
}

/// `page` with each mark replaced; none of what is put in has one that counts.
static std::string
fill(const std::string &page,
     const std::vector<std::pair<std::string, std::string>> &parts) {
  std::string text;
  size_t place = 0;
  for (auto &[mark, part] : parts) {
    const size_t next = page.find(mark, place);
    text += page.substr(place, next - place) + part;
    place = next + mark.size();
  }
  return text + page.substr(place);
}

static int report(const ReportOptions &options) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  std::vector<std::string> leftOut;
  for (const std::string &folder : options.folders) {
    auto data = readRunFolder(folder, leftOut);
    if (!data.isOk() && data.status().code() == Code::NotFound)
      return fail(
          {Code::NotFound, folder +
                               ": there is no log.jsonl: it is what `nnc train "
                               "--log " +
                               folder + "` writes"});
    if (!data.isOk())
      return fail(data.status());
    runs.push_back(std::move(*data));
  }
  const std::string page =
      fill(pageText, {{"/*style*/", styleText},
                      {"/*data*/", forElement(runs)},
                      {"/*script*/", std::string(chartText) + sectionText}});
  if (Status status = replaceFile(options.output, page); !status.isOk())
    return fail(status);
  for (const std::string &problem : leftOut)
    std::cerr << "warning: " << problem << ": it is left out\n";
  std::cout << options.output << std::endl;
  return Done;
}

void addReportCommand(CLI::App &app, int &exit) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App *command = app.add_subcommand(
      "report", "one page of HTML about a training run, or several compared");
  command
      ->add_option("DIR", options->folders,
                   "folders that `nnc train --log` wrote")
      ->required()
      ->expected(1, 32);
  command->add_option("-o,--output", options->output, "where the page goes")
      ->capture_default_str();
  addHelp(*command, "nnc report run\n"
                    "nnc report small large -o comparison.html\n");
  command->callback([options, &exit] { exit = report(*options); });
}

} // namespace nnc::tools
