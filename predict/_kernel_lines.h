/* Blocks of JSON Lines to rows, as rows.py and units.py do; a row that is in any way unusual is left to them. */

#ifndef PARASTANCE_LINES_H
#define PARASTANCE_LINES_H

#include "_kernel_json.h"

#define LONGEST 1000000 /* as in units.py, here in bytes */

enum { IN_BLOCK, IN_KEPT, IN_COLUMNS };

/* A run of bytes of the block, of what it had to be made into, or of the columns that are passed through. */
typedef struct { size_t at, n; int where; } Run;

/* One row. start, end: its line in the block; said: the text as it is meant; id, text, extra: as they are written. */
typedef struct {
    size_t start, end, number;
    Run said, id, text, extra;
    int left; /* to Python */
} LineRow;

typedef struct {
    Span text, id;  /* the fields that hold text and id */
    Span name;      /* what a row without an id is called: a string in JSON, without the closing mark, its number to follow */
    Span *omitted;  /* columns of the input that are not passed through */
    size_t n_omitted;
    const uint8_t *block;
    Bytes kept, columns, scratch;
    VECTOR(LineRow) rows;
    size_t given; /* rows that are not left to Python */
} LineReader;

static inline Span span_of(const LineReader *reader, Run run)
{
    const uint8_t *base = run.where == IN_BLOCK ? reader->block : run.where == IN_KEPT ? reader->kept.at : reader->columns.at;
    return (Span){base ? base + run.at : base, run.n};
}

static inline Run run_in(const LineReader *reader, Span span) { return (Run){(size_t)(span.at - reader->block), span.n, IN_BLOCK}; }

static inline Run kept_from(const LineReader *reader, size_t start) { return (Run){start, reader->kept.n - start, IN_KEPT}; }

static int has_letter(Span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((text.at[i] | 32) >= 'a' && (text.at[i] | 32) <= 'z') return 1;
    return 0;
}

static int read_text_of(LineReader *reader, LineRow *row, const uint8_t **at, const uint8_t *end)
{
    Span raw;
    int escaped, as_is, status;
    if (**at != '"') return LEFT_TO_PYTHON;
    ++*at;
    if ((status = read_string(at, end, &raw, &escaped))) return status;
    if (raw.n > LONGEST || !raw.n) return LEFT_TO_PYTHON;
    row->said = run_in(reader, raw);
    row->text = run_in(reader, (Span){raw.at - 1, raw.n + 2});
    if (escaped) {
        size_t start = reader->kept.n;
        if ((status = put_unescaped(&reader->kept, raw, &as_is))) return status;
        row->said = kept_from(reader, start);
        start = reader->kept.n;
        if (as_is) return has_letter(span_of(reader, row->said)) ? GOOD : LEFT_TO_PYTHON;
        if (RESERVE(reader->kept, start + 6 * row->said.n + 2)) return NO_MEMORY; /* so that what is read does not move */
        if (put_quoted(&reader->kept, (Span){reader->kept.at + row->said.at, row->said.n})) return NO_MEMORY;
        row->text = kept_from(reader, start);
    }
    return has_letter(span_of(reader, row->said)) ? GOOD : LEFT_TO_PYTHON;
}

static int put_number(Bytes *out, size_t number)
{
    char digits[24];
    return put(out, digits, (size_t)snprintf(digits, sizeof digits, "%zu", number));
}

/* The id of a row: what `value` is, or the name of the source and the row's number where it is empty or null. */
static int keep_id(LineReader *reader, LineRow *row, Span value)
{
    int string = value.n && value.at[0] == '"';
    if (value.n > 2 && string) {
        row->id = run_in(reader, value);
        return GOOD;
    }
    size_t start = reader->kept.n;
    int failed;
    if (value.n && !string && value.at[0] != 'n')
        failed = put(&reader->kept, "\"", 1) || put(&reader->kept, value.at, value.n) || put(&reader->kept, "\"", 1);
    else
        failed = put(&reader->kept, reader->name.at, reader->name.n) || put_number(&reader->kept, row->number)
              || put(&reader->kept, "\"", 1);
    row->id = kept_from(reader, start);
    return failed ? NO_MEMORY : GOOD;
}

static int read_id_of(LineReader *reader, LineRow *row, const uint8_t **at, const uint8_t *end)
{
    Span raw;
    int escaped, status;
    if (**at == '"') {
        ++*at;
        if ((status = read_string(at, end, &raw, &escaped))) return status;
        if (escaped) return LEFT_TO_PYTHON;
        return keep_id(reader, row, (Span){raw.at - 1, raw.n + 2});
    }
    if (**at == 'n') status = read_word(at, &raw);
    else status = read_number(at, &raw);
    if (status) return status;
    if (memchr(raw.at, '.', raw.n)) return LEFT_TO_PYTHON;
    return keep_id(reader, row, raw);
}

static int is_omitted(const LineReader *reader, Span key)
{
    for (size_t i = 0; i < reader->n_omitted; i++)
        if (same(key, reader->omitted[i])) return 1;
    return 0;
}

/* A column that is passed through; those that say what the row's stance is about are left to Python. */
static int read_extra(LineReader *reader, Span key, const uint8_t **at, const uint8_t *end)
{
    static const Span target = {(const uint8_t *)"target", 6}, mentions = {(const uint8_t *)"target_mentions", 15};
    Bytes *columns = &reader->columns;
    size_t before = columns->n;
    if (**at != 'n' && (same(key, target) || same(key, mentions))) return LEFT_TO_PYTHON;
    if (put(columns, ", ", 2) || put(columns, key.at - 1, key.n + 2) || put(columns, ": ", 2)) return NO_MEMORY;
    int status = put_value(at, end, columns, &reader->scratch, 0);
    if (status == GOOD && is_omitted(reader, key)) columns->n = before;
    return status;
}

static int read_fields(LineReader *reader, LineRow *row, const uint8_t *at, const uint8_t *end)
{
    Span keys[MOST_KEYS];
    int has_text = 0, has_id = 0, status;
    row->extra = (Run){reader->columns.n, 0, IN_COLUMNS};
    skip_blanks(&at);
    if (*at++ != '{') return LEFT_TO_PYTHON;
    skip_blanks(&at);
    for (size_t n = 0; *at != '}'; n++) {
        if (n) {
            if (*at++ != ',') return LEFT_TO_PYTHON;
            skip_blanks(&at);
        }
        if ((status = read_key(&at, end, keys, n))) return status;
        if (same(keys[n], reader->text)) {
            status = read_text_of(reader, row, &at, end);
            has_text = 1;
        } else if (same(keys[n], reader->id)) {
            status = read_id_of(reader, row, &at, end);
            has_id = 1;
        } else {
            status = read_extra(reader, keys[n], &at, end);
        }
        if (status) return status;
        skip_blanks(&at);
    }
    at++;
    skip_blanks(&at);
    if (at != end || !has_text) return LEFT_TO_PYTHON;
    row->extra.n = reader->columns.n - row->extra.at;
    return has_id ? GOOD : keep_id(reader, row, (Span){at, 0});
}

static int is_blank(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) at++;
    return at == end;
}

/* Read at most `most` rows of the block's size bytes from *at on, the lines being numbered from *number; 0 on success. */
static int read_lines(LineReader *reader, size_t size, size_t *at, size_t *number, size_t most)
{
    reader->rows.n = reader->kept.n = reader->columns.n = reader->given = 0;
    if (RESERVE(reader->rows, most)) return -1;
    for (; *at < size && reader->rows.n < most; ++*number) {
        const uint8_t *start = reader->block + *at, *feed = memchr(start, '\n', size - *at);
        const uint8_t *end = feed ? feed : reader->block + size;
        *at = (size_t)(end - reader->block) + (feed != NULL);
        if (end > start && end[-1] == '\r') end--;
        if (is_blank(start, end)) continue;
        LineRow *row = &reader->rows.at[reader->rows.n++];
        *row = (LineRow){.start = (size_t)(start - reader->block), .end = (size_t)(end - reader->block), .number = *number};
        size_t kept = reader->kept.n, columns = reader->columns.n;
        int status = read_fields(reader, row, start, end);
        if (status == NO_MEMORY) return -1;
        row->left = status == LEFT_TO_PYTHON;
        if (row->left) reader->kept.n = kept, reader->columns.n = columns;
        reader->given += !row->left;
    }
    return 0;
}

#endif
