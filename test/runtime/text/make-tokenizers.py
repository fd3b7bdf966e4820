"""Trains small tokenizers on this repository's pages, and writes down what the
libraries of their makers make of some texts:

  pip install tokenizers sentencepiece protobuf
  make-tokenizers.py test/runtime/text/inputs

Tests read the files, and need neither library."""
import json
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

out = Path(sys.argv[1])
root = Path(__file__).resolve().parents[3]
pages = sorted(root.glob("docs/*.md"))
lines = [line for page in pages for line in page.read_text().splitlines() if line.strip()]
lines += ["Ça va? Où est l'été, naïve façade?", "我喜欢 編譯器 και μεταγλωττιστές", "I'll say they've seen 3.14159 😀👍🏽"] * 20

texts = [
    "", " ", "Hello, world!", "The compiler's kernels don't need it.", "  two  blanks\n\n\nand lines\t\ttabs \n",
    "Ça va? Où est l'été — NAÏVE façade", "e\u0301te\u0301 decomposed, \u00e9 composed", "我喜欢編譯器 2026年", "И это тоже: МЛИР",
    "I'll we've THEY'RE 'tis 'S", "3.14159e-10 + 1234567890", "😀👍🏽 👩‍👩‍👧", "a\u00a0b\u2003c\u2028d\u0085e\u180ef\u200bg\u00adh",
    "İstanbul ıslak STRASSE straße ΣΊΣΥΦΟΣ", "x\x1cy\x00z\ufffd", "ﬁne ① ½ ａｂｃ", "<|endoftext|>after <|endoftext|> it", "[CLS] [MASK] word[SEP]",
    "a" * 150, "supercalifragilistic " * 3, "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "tab\tnew\r\nline", "f(x) = x**2; // comment_with_names",
]


def byte_pairs(name, splits, normalizer=None, added=(), **settings):
    tokenizer = Tokenizer(models.BPE(**settings))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splits
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["<|endoftext|>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(lines, trainer)
    if added:
        tokenizer.add_tokens(list(added))
    return tokenizer


def record(name, encode, decode):
    return {"file": name, "cases": [{"text": text, "ids": ids, "decoded": decode(ids)}
                                    for text in texts for ids in [encode(text)]]}


def of(tokenizer, name):
    # What is unknown stays in the text.
    silent = {id for id, token in tokenizer.get_added_tokens_decoder().items()
              if token.special and token.content != "[UNK]"}
    return record(name, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
                  lambda ids: tokenizer.decode([id for id in ids if id not in silent], skip_special_tokens=False))


def write_json(tokenizer, name):
    # The order of the vocabulary's keys differs from run to run.
    (out / name).write_text(json.dumps(json.loads(tokenizer.to_str()), sort_keys=True, ensure_ascii=False) + "\n")


def word_piece(lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    trainer = trainers.WordPieceTrainer(vocab_size=500, show_progress=False,
                                        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def sentence_piece(name, **settings):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(out / name), minloglevel=2, vocab_size=500,
        hard_vocab_limit=False, **settings)
    (out / f"{name}.vocab").unlink()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(out / f"{name}.model"))
    return record(f"{name}.model", processor.encode, processor.decode)


def unigram_json(model, name, splits, scheme="always"):
    """A model of SentencePiece as Hugging Face's library has it, with T5's tokens or a text's first blank alone."""
    proto = sentencepiece_model_pb2.ModelProto.FromString((out / model).read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    unknown = next(i for i, piece in enumerate(proto.pieces) if piece.type == piece.UNKNOWN)
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown))
    rules = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    blanks = [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "\u2581")]
    tokenizer.normalizer = rules if splits else normalizers.Sequence([rules, *blanks])
    metaspace = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace]) if splits else metaspace
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>", "<|endoftext|>"])
    write_json(tokenizer, name)
    silent = {id for id, token in tokenizer.get_added_tokens_decoder().items() if token.content != "<unk>"}
    return record(name, lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
                  lambda ids: tokenizer.decode([id for id in ids if id not in silent], skip_special_tokens=False))


def main():
    records = []
    gpt2 = byte_pairs("gpt2", pre_tokenizers.ByteLevel(add_prefix_space=False))
    (out / "gpt2").mkdir(exist_ok=True)
    gpt2.model.save(str(out / "gpt2"))
    records.append(of(gpt2, "gpt2/vocab.json"))
    llama_pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                     r"|\s*[\r\n]+|\s+(?!\S)|\s+")
    splits = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(llama_pattern), "isolated"),
                                      pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    llama = byte_pairs("split", splits, normalizers.NFC(), added=["// comment"], ignore_merges=True)
    write_json(llama, "split.json")
    records.append(of(llama, "split.json"))
    bert = word_piece(True)
    vocabulary = sorted(bert.get_vocab().items(), key=lambda item: item[1])
    (out / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in vocabulary))
    records.append(of(bert, "vocab.txt"))
    cased = word_piece(False)
    write_json(cased, "cased.json")
    records.append(of(cased, "cased.json"))
    rules = out / "rules.tsv"
    rules.write_text("FB01\t66 69\nFF41\t61\nBD\t31 2F 32\n65 301\tE9\nA0\t20\n")
    records.append(sentence_piece("unigram", model_type="unigram", normalization_rule_tsv=str(rules)))
    rules.unlink()
    records.append(unigram_json("unigram.model", "unigram.json", splits=False))
    records.append(unigram_json("unigram.model", "unigram-words.json", splits=True))
    records.append(unigram_json("unigram.model", "unigram-first.json", splits=False, scheme="first"))
    records.append(sentence_piece("pairs", model_type="bpe", byte_fallback=True, normalization_rule_name="identity",
                                  remove_extra_whitespaces=False, user_defined_symbols=["<|endoftext|>"]))
    (out / "cases.json").write_text(json.dumps(records, ensure_ascii=True, indent=0) + "\n")


main()
