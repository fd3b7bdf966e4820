# Texts of 1 to 30 words with a label, short ones side by side.
for i in range(60):
    count = 1 + (i // 4 * 7) % 30
    words = " ".join("w%d" % ((i * 5 + j * 3) % 25) for j in range(count))
    print(words + "\t" + str(i % 2))
