/* The shape of a line, as `shape.py` has it: what its regular expressions find, in one pass each and linear time. */

#ifndef PARASTANCE_SHAPE_H
#define PARASTANCE_SHAPE_H

#include "_kernel_words.h"

#define SHAPES 31

/* ASCII lower case as Python's re.IGNORECASE sees it: four letters beyond ASCII match i, s and k. */
static inline uint32_t folded(uint32_t c)
{
    if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x130 || c == 0x131) return 'i';
    return c == 0x17F ? 's' : c == 0x212A ? 'k' : c;
}

static int matches(const Text *text, size_t at, const char *wanted)
{
    for (; *wanted; wanted++, at++)
        if (at >= text->length || folded(text->point[at]) != (uint8_t)*wanted) return 0;
    return 1;
}

static unsigned spells(const Text *text, size_t at, const char *wanted)
{
    for (; *wanted; wanted++, at++)
        if (at >= text->length || text->point[at] != (uint8_t)*wanted) return 0;
    return 1;
}

#define THREE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static int is_month(const Text *text, size_t at)
{
    const uint32_t *point = text->point + at;
    uint32_t a = point[0], b = point[1], c = point[2];
    if ((a | b | c) >= 128) {
        a = folded(a);
        b = folded(b);
        c = folded(c);
        if ((a | b | c) >= 128) return 0;
    }
    if (a < 'A' || b < 'A' || c < 'A') return 0;
    switch (THREE(a | 32, b | 32, c | 32)) {
    case THREE('j', 'a', 'n'): case THREE('f', 'e', 'b'): case THREE('m', 'a', 'r'): case THREE('a', 'p', 'r'):
    case THREE('m', 'a', 'y'): case THREE('j', 'u', 'n'): case THREE('j', 'u', 'l'): case THREE('a', 'u', 'g'):
    case THREE('s', 'e', 'p'): case THREE('o', 'c', 't'): case THREE('n', 'o', 'v'): case THREE('d', 'e', 'c'): return 1;
    default: return 0;
    }
}

static size_t decimals(const Text *text, size_t at)
{
    size_t n = 0;
    while (n < 5 && (text->class[at + n] & IS_DECIMAL)) n++;
    return n;
}

static int is_date_separator(uint32_t c) { return c == '.' || c == '/' || c == '-'; }

/* Whether a date starts at `at`, which is the start of a word that starts with a digit. */
static int numeric_date(const Text *text, size_t at)
{
    size_t first = decimals(text, at);
    for (size_t n = 1; n <= 2 && n <= first; n++) {
        static const char *const suffixes[] = {"st", "nd", "rd", "th"};
        size_t next = at + n;
        if (text->point[next] == ' ' && is_month(text, next + 1)) return 1;
        for (int i = 0; i < 4; i++)
            if (matches(text, next, suffixes[i]) && text->point[next + 2] == ' ' && is_month(text, next + 3)) return 1;
    }
    if (first > 4 || !is_date_separator(text->point[at + first])) return 0;
    size_t next = at + first + 1, second = decimals(text, next);
    if (second < 1 || second > 2 || !is_date_separator(text->point[next + second])) return 0;
    next += second + 1;
    size_t third = decimals(text, next);
    return third >= 1 && third <= 4 && !(text->class[next + third] & IS_WORD);
}

static int named_date(const Text *text, size_t at)
{
    if (!is_month(text, at)) return 0;
    at += 3;
    while (folded(text->point[at]) >= 'a' && folded(text->point[at]) <= 'z') at++;
    if (text->point[at] == '.') at++;
    return text->point[at] == ' ' && (text->class[at + 1] & IS_DECIMAL);
}

/* Whether a link is seen at the `.` or `:` at `at`. */
static int link_at(const Text *text, size_t at)
{
    static const char *const domains[] = {"com", "org", "net", "info", "co.uk"};
    if (text->point[at] == ':') return (at > 3 && matches(text, at - 4, "http:")) || (at > 4 && matches(text, at - 5, "https:"));
    if (at > 2 && matches(text, at - 3, "www.")) return 1;
    for (int i = 0; i < 5; i++)
        if (matches(text, at + 1, domains[i]) && !(text->class[at + 1 + strlen(domains[i])] & IS_WORD)) return 1;
    return 0;
}

/* Whether the run of non-blanks in start:end holds an address. */
static int mail_in(const Text *text, size_t start, size_t end)
{
    size_t last = 0;
    for (size_t at = start; at + 1 < end; at++)
        if (text->point[at] == '.' && (text->class[at + 1] & IS_WORD)) last = at;
    for (size_t at = start + 1; last && at + 2 <= last; at++)
        if (text->point[at] == '@') return 1;
    return 0;
}

typedef struct {
    unsigned date, link, mail, inner_stop, copyright, comma, quotation, question, brackets;
} Seen;

static void look_at_word(const Text *text, size_t start, size_t end, Seen *seen)
{
    if (!seen->date) seen->date = (unsigned)(text->class[start] & IS_DECIMAL ? numeric_date(text, start) : named_date(text, start));
    for (size_t at = start; at + 8 <= end && !seen->copyright; at++)
        if (text->point[at] == 'o') seen->copyright = spells(text, at, "opyright");
}

/* Look at a character that is no part of a word; *run: the end of the run of non-blanks that was last searched for an address. */
static void look_at_mark(const Text *text, size_t at, Seen *seen, size_t *run)
{
    const uint32_t *point = text->point + at;
    const uint16_t *class = text->class;
    switch (*point) {
    case '@':
        if (!seen->mail && at >= *run) {
            size_t start = at;
            while (start > *run && !(class[start - 1] & IS_SPACE)) start--;
            for (*run = at; *run < text->length && !(class[*run] & IS_SPACE);) ++*run;
            seen->mail = (unsigned)mail_in(text, start, *run);
        }
        break;
    case '.':
        if (!seen->link) seen->link = (unsigned)link_at(text, at);
        /* fall through */
    case '!': case '?':
        if (*point == '?') seen->question = 1;
        if (point[1] == ' ') seen->inner_stop |= (point[2] >= 'A' && point[2] <= 'Z') || point[2] == 0x201C || point[2] == '"';
        break;
    case ':':
        seen->date |= at > 0 && (class[at - 1] & class[at + 1] & class[at + 2] & IS_DECIMAL) != 0;
        if (!seen->link) seen->link = (unsigned)link_at(text, at);
        break;
    case ',': seen->comma = 1; break;
    case '"': case 0x201C: case 0x201D: case 0xAB: case 0xBB: seen->quotation = 1; break;
    case '(': case '[': seen->brackets = 1; break;
    case 0xA9: seen->copyright = 1; break;
    }
}

static Seen look(const Text *text, const uint32_t *words, size_t n_words, const Lexicon *lexicon, const uint32_t *ids)
{
    Seen seen = {0};
    size_t at = 0, run = 0;
    for (size_t word = 0; word <= n_words; word++) {
        size_t start = word < n_words ? words[2 * word] : text->length;
        for (; at < start; at++)
            if (!(text->class[at] & IS_SPACE)) look_at_mark(text, at, &seen, &run);
        if (word == n_words) break;
        at = words[2 * word + 1];
        if (!lexicon || (lexicon->words.at[ids[word]].flags & IS_TELLING)) look_at_word(text, start, at, &seen);
    }
    return seen;
}

static double at_most_1(double value) { return value < 1.0 ? value : 1.0; }

/* How many letters, capitals, digits and marks there are among n characters. */
WIDE static void count_classes(const uint16_t *class, size_t n, size_t counts[4])
{
    enum { AT_ONCE = 32768 }; /* so that 16 bits suffice */
    for (size_t start = 0; start < n; start += AT_ONCE) {
        size_t end = n - start < AT_ONCE ? n : start + AT_ONCE;
        uint16_t letters = 0, capitals = 0, digits = 0, marks = 0;
        for (size_t at = start; at < end; at++) {
            letters = (uint16_t)(letters + (class[at] >> 2 & 1));
            capitals = (uint16_t)(capitals + ((class[at] >> 2 & class[at] >> 3) & 1));
            digits = (uint16_t)(digits + (class[at] >> 5 & 1));
            marks = (uint16_t)(marks + (class[at] >> 7 & 1));
        }
        counts[0] += letters;
        counts[1] += capitals;
        counts[2] += digits;
        counts[3] += marks;
    }
}

/* The values of one paragraph, `words` its words as pairs of start and end; place: index and count, 0 where not known;
   lexicon: NULL, or where the words stand by their ids. */
static void shape_of(const Text *text, const uint32_t *words, size_t n_words, const Lexicon *lexicon, const uint32_t *ids,
                     const int32_t place[2], double out[SHAPES])
{
    size_t length = text->length, counts[4] = {0}, lengthy = 0, titled = 0;
    const uint16_t *class = text->class;
    count_classes(class, length, counts);
    size_t letters = counts[0], capitals = counts[1], digits = counts[2], marks = counts[3];
    for (size_t at = 0; at < n_words; at++)
        if (words[2 * at + 1] - words[2 * at] > 3) {
            lengthy++;
            titled += class[words[2 * at]] >> 3 & 1U;
        }
    size_t tail = length, end = length;
    while (tail && (class[tail - 1] & IS_TAIL)) tail--;
    while (end && (class[end - 1] & IS_SPACE)) end--;
    uint32_t last = tail ? text->point[tail - 1] : 0, closing = end ? text->point[end - 1] : 0;
    uint32_t first = text->point[0];
    int dots = end > 2 && closing == '.' && text->point[end - 2] == '.' && text->point[end - 3] == '.';
    int open = dots || closing == 0x2026 || closing == 0xBB || closing == 0x203A || closing == '>';
    int quote = first == '"' || first == 0x201C || first == '\'' || first == 0x2018 || first == '(';
    double share = (double)capitals / (double)(letters ? letters : 1);
    Seen seen = look(text, words, n_words, lexicon, ids);
    double values[SHAPES] = {
        length < 20, length < 60, length < 150, length < 400, n_words <= 3, n_words <= 6, n_words <= 12, share,
        (double)titled / (double)(lengthy ? lengthy : 1), share > 0.8,
        at_most_1(4.0 * (double)digits / (double)(length ? length : 1)), seen.date, seen.link, seen.mail,
        at_most_1((double)marks / 3.0), seen.copyright, last == '.' || last == '!' || last == '?', open, last == ':',
        seen.inner_stop, seen.comma, seen.quotation, length && (class[0] & IS_LOWER),
        length && !(class[0] & IS_ALNUM) && !quote, seen.question, seen.brackets,
    };
    if (place[0] > 0) {
        values[26] = 1.0;
        values[27] = place[0] == 1;
        values[28] = place[0] - 1 < 4;
        values[29] = place[1] - place[0] < 5;
        values[30] = place[1] == place[0];
    }
    memcpy(out, values, sizeof values);
}

#endif
