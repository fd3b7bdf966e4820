// Draws what a training run logged. Its own program, so that the driver does
// not carry a drawing library in memory while it trains.
#include "tools/plot/TrainingLog.h"

#include <iostream>
#include <string>

using namespace nnc::tools;

int main(int argc, char **argv) {
  if (argc != 2 || std::string(argv[1]) == "--help") {
    (argc == 2 ? std::cout : std::cerr)
        << "usage: nnc plot DIR\n\n"
           "Draws DIR/log.jsonl, which `nnc train --log DIR` wrote: a PNG a "
           "quantity\n"
           "(loss.png, accuracy.png, ...) and confusion.png, beside it.\n";
    return argc == 2 ? 0 : 2;
  }
  int exit = plotTrainingLog(argv[1]);
  if (!std::cout.flush()) {
    std::cerr << "error: standard output could not be written\n";
    exit = 3;
  }
  return exit;
}
