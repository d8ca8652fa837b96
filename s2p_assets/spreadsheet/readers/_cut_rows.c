/* Rows of a sheet's XML, written in the plain way of nearly every program, cut into cells; `xlsx_rows` without it does
 * the same, slower. Whatever is written in any other way is refused whole, and every read is bounds-checked: the text
 * comes from a file that anybody may have made.
 */
#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LAST_COLUMN (26 + 26 * 26 + 26 * 26 * 26) /* ZZZ */
#define SLOTS 2048
#define MOST_ATTRIBUTES 1024

typedef struct {
    const char *start;
    int32_t length;
} Span;

typedef struct {
    Span value;
    int32_t column, row, attributes;
} Cell;

typedef struct {
    Cell *cells;
    size_t count, room;
    Span attributes[MOST_ATTRIBUTES];
    int32_t slots[SLOTS]; /* one more than the attributes' number, by their hash */
    int32_t attribute_count;
    int rows_are_noted; /* whether a row's tag says `hidden=`, `outlineLevel=` or `ht="0"` */
} Cut;

enum { REFUSED, DONE, NO_MEMORY };

static int begins(const char *at, const char *end, const char *word, size_t length) {
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

#define BEGINS(at, end, word) begins(at, end, word, sizeof(word) - 1)

/* The `>` of a tag that goes on at `at`; NULL where a `<` comes before it, or none. */
static const char *tag_end(const char *at, const char *end) {
    for (; at < end; at++) {
        if (*at == '>') return at;
        if (*at == '<') return NULL;
    }
    return NULL;
}

static int says(const char *at, const char *end) {
    for (; at < end; at++)
        if (BEGINS(at, end, "hidden=") || BEGINS(at, end, "outlineLevel=") || BEGINS(at, end, "ht=\"0\"")) return 1;
    return 0;
}

static int32_t attribute_number(Cut *cut, Span text) {
    uint32_t hash = 2166136261u;
    for (int32_t at = 0; at < text.length; at++) hash = (hash ^ (unsigned char)text.start[at]) * 16777619u;
    for (uint32_t slot = hash % SLOTS;; slot = (slot + 1) % SLOTS) {
        int32_t number = cut->slots[slot] - 1;
        if (number < 0) {
            if (cut->attribute_count == MOST_ATTRIBUTES) return -1;
            cut->attributes[cut->attribute_count] = text;
            cut->slots[slot] = ++cut->attribute_count;
            return cut->attribute_count - 1;
        }
        Span *known = &cut->attributes[number];
        if (known->length == text.length && memcmp(known->start, text.start, (size_t)text.length) == 0) return number;
    }
}

static int add_cell(Cut *cut, Cell cell) {
    if (cut->count == cut->room) {
        size_t room = cut->room ? cut->room * 2 : 4096;
        Cell *cells = realloc(cut->cells, room * sizeof(Cell));
        if (!cells) return NO_MEMORY;
        cut->cells = cells;
        cut->room = room;
    }
    cut->cells[cut->count++] = cell;
    return DONE;
}

/* One cell from behind its `<c ` on; `*place` is moved behind it. `number`: the digits of its row and a quote. */
static int cut_cell(Cut *cut, const char **place, const char *end, Span number, int32_t row) {
    const char *at = *place, *close = tag_end(at, end);
    if (!close) return REFUSED;
    if (close > at && close[-1] == '/') {
        *place = close + 1;
        return DONE;
    }
    if (BEGINS(close + 1, end, "</c>")) {
        *place = close + 1 + 4;
        return DONE;
    }
    if (!BEGINS(at, close, "r=\"") || !BEGINS(close + 1, end, "<v>")) return REFUSED;
    at += 3;
    int32_t column = 0;
    for (int letters = 0; at < close && *at >= 'A' && *at <= 'Z'; at++) {
        if (++letters > 3) return REFUSED;
        column = column * 26 + (*at - 'A' + 1);
    }
    if (!column || !begins(at, close, number.start, (size_t)number.length)) return REFUSED;
    at += number.length;
    int32_t attributes = attribute_number(cut, (Span){at, (int32_t)(close - at)});
    if (attributes < 0) return REFUSED;
    const char *value = close + 4, *open = memchr(value, '<', (size_t)(end - value));
    if (!open || memchr(value, '>', (size_t)(open - value)) || !BEGINS(open, end, "</v></c>")) return REFUSED;
    *place = open + 8;
    return add_cell(cut, (Cell){{value, (int32_t)(open - value)}, column, row, attributes});
}

static int cut_rows(Cut *cut, const char *at, const char *end) {
    while (at < end) {
        if (!BEGINS(at, end, "<row r=\"")) return REFUSED;
        at += 8;
        Span number = {at, 0};
        int32_t row = 0;
        for (; at < end && *at >= '0' && *at <= '9'; at++) {
            if (++number.length > 7) return REFUSED;
            row = row * 10 + (*at - '0');
        }
        if (!number.length || at == end || *at != '"') return REFUSED;
        number.length++;
        const char *close = tag_end(at, end);
        if (!close) return REFUSED;
        if (!cut->rows_are_noted) cut->rows_are_noted = says(at, close);
        at = close + 1;
        if (close[-1] == '/') continue;
        while (BEGINS(at, end, "<c ")) {
            at += 3;
            int outcome = cut_cell(cut, &at, end, number, row);
            if (outcome != DONE) return outcome;
        }
        if (!BEGINS(at, end, "</row>")) return REFUSED;
        at += 6;
    }
    return DONE;
}

/* A text of one to nine digits as a number, -1 for any other. */
static int32_t whole_number(Span text) {
    int32_t number = 0;
    if (text.length < 1 || text.length > 9) return -1;
    for (int32_t at = 0; at < text.length; at++) {
        if (text.start[at] < '0' || text.start[at] > '9') return -1;
        number = number * 10 + (text.start[at] - '0');
    }
    return number;
}

static PyObject *bytes_of(size_t size, char **content) {
    PyObject *made = size > PY_SSIZE_T_MAX ? PyErr_NoMemory() : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    *content = made ? PyBytes_AsString(made) : NULL;
    return made;
}

/* The cells ordered by column, those of one column as they were written. */
static PyObject *as_arrays(const Cut *cut) {
    size_t *starts = calloc(LAST_COLUMN + 2, sizeof(size_t)), *order = malloc((cut->count + 1) * sizeof(size_t));
    PyObject *parts[6] = {NULL}, *made = NULL;
    char *columns, *rows, *attributes, *numbers, *offsets, *values;
    size_t total = 0;
    if (!starts || !order) {
        PyErr_NoMemory();
        goto done;
    }
    for (size_t place = 0; place < cut->count; place++) {
        starts[cut->cells[place].column + 1]++;
        total += (size_t)cut->cells[place].value.length;
    }
    for (size_t column = 1; column < LAST_COLUMN + 2; column++) starts[column] += starts[column - 1];
    for (size_t place = 0; place < cut->count; place++) order[starts[cut->cells[place].column]++] = place;
    parts[0] = bytes_of(cut->count * 4, &columns);
    parts[1] = bytes_of(cut->count * 4, &rows);
    parts[2] = bytes_of(cut->count * 4, &attributes);
    parts[3] = bytes_of(cut->count * 4, &numbers);
    parts[4] = bytes_of((cut->count + 1) * 4, &offsets);
    parts[5] = bytes_of(total, &values);
    for (int part = 0; part < 6; part++)
        if (!parts[part]) goto done;
    int32_t offset = 0;
    memcpy(offsets, &offset, 4);
    for (size_t place = 0; place < cut->count; place++) {
        const Cell *cell = &cut->cells[order[place]];
        int32_t number = whole_number(cell->value);
        memcpy(columns + place * 4, &cell->column, 4);
        memcpy(rows + place * 4, &cell->row, 4);
        memcpy(attributes + place * 4, &cell->attributes, 4);
        memcpy(numbers + place * 4, &number, 4);
        memcpy(values + offset, cell->value.start, (size_t)cell->value.length);
        offset += cell->value.length;
        memcpy(offsets + (place + 1) * 4, &offset, 4);
    }
    PyObject *texts = PyList_New(cut->attribute_count);
    if (!texts) goto done;
    for (int32_t number = 0; number < cut->attribute_count; number++) {
        Span text = cut->attributes[number];
        PyObject *decoded = PyUnicode_DecodeUTF8(text.start, text.length, "strict");
        if (!decoded || PyList_SetItem(texts, number, decoded) < 0) {
            Py_DECREF(texts);
            goto done;
        }
    }
    made = Py_BuildValue("(OOOOOONi)", parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], texts,
                         cut->rows_are_noted);
done:
    for (int part = 0; part < 6; part++) Py_XDECREF(parts[part]);
    free(starts);
    free(order);
    return made;
}

static PyObject *cut(PyObject *self, PyObject *text) {
    (void)self;
    Py_ssize_t size;
    const char *start = PyUnicode_AsUTF8AndSize(text, &size);
    if (!start) return NULL;
    if (size >= INT32_MAX) Py_RETURN_NONE;
    Cut *state = calloc(1, sizeof(Cut));
    if (!state) return PyErr_NoMemory();
    int outcome = size ? cut_rows(state, start, start + size) : REFUSED;
    PyObject *made;
    if (outcome == NO_MEMORY) {
        made = PyErr_NoMemory();
    } else if (outcome == REFUSED) {
        Py_INCREF(Py_None);
        made = Py_None;
    } else {
        made = as_arrays(state);
    }
    free(state->cells);
    free(state);
    return made;
}

static PyMethodDef methods[] = {
    {"cut", cut, METH_O,
     "cut(text) -> (columns, rows, attributes, numbers, offsets, values, attribute texts, whether rows say hidden=,\n"
     "outlineLevel= or a height of 0) of the cells with a value, the first five as int32; None for a text that is not whole rows written in the plain way."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_cut_rows", "Rows of a sheet's XML cut into cells.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__cut_rows(void) { return PyModule_Create(&module); }
