# Writes a text file as a C++ string literal. MSVC's limit on the length of one
# does not matter here.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "R\"nnc-text(${text})nnc-text\"\n")
