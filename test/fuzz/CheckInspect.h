// What `nnc inspect` promises of every file that its reader accepts.
#ifndef NNC_TEST_FUZZ_CHECKINSPECT_H
#define NNC_TEST_FUZZ_CHECKINSPECT_H

#include <string>

namespace nnc::fuzz {

/// Ends the program unless the command shows the file as text that no terminal
/// obeys, and as JSON.
void checkInspect(const std::string &path);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHECKINSPECT_H
