/* Reading archives of tensors: good ones, and every way in which one can be bad. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ommatid/om_random.h"
#include "store/pickle.h"
#include "store/torch.h"
#include "torch_archive.h"

/* Opens what a maker holds; the archive borrows the bytes, which live until the next call. */
static om_status open_made(maker *m, om_torch **archive)
{
    static bytes made;
    free(made.data);
    made = make(m);
    return om_torch_open_bytes("made.pt", made.data, made.n, archive);
}

static void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

static void must_say(om_status status, const char *part)
{
    if (status != OM_EDATA || strstr(om_message(), part) == NULL ||
        strstr(om_message(), "made.pt: ") == NULL)
        fail_msg("expected '%s', got %d: %s", part, (int)status, om_message());
}

/* Ends the pickle and opens it, which must be refused. */
static void refused(maker *m, const char *part)
{
    om_torch *archive;
    end(m);
    must_say(open_made(m, &archive), part);
    assert_null(archive);
    maker_free(m);
}

/* Opens a maker's archive and refuses to read "x" as float32 [n]. */
static void unreadable(maker *m, size_t n, const char *part)
{
    om_torch *archive;
    float out[64];
    assert_true(n <= 64);
    end(m);
    must(open_made(m, &archive));
    must_say(om_torch_floats(archive, "x", 1, &n, out), part);
    om_torch_close(archive);
    maker_free(m);
}

static void check_floats(const om_torch *archive, const char *entry, int n_axes,
                         const size_t *lengths, const float *expected)
{
    float out[16];
    size_t n = 1;
    must(om_torch_floats(archive, entry, n_axes, lengths, out));
    for (int i = 0; i < n_axes; i++) n *= lengths[i];
    for (size_t i = 0; i < n; i++) assert_true(out[i] == expected[i]);
}

static void reads_what_is_there(void **state)
{
    (void)state;
    maker m;
    om_torch *archive;
    double number;
    size_t length;
    make_good(&m);
    must(open_made(&m, &archive));
    check_floats(archive, "network/bias", 1, (size_t[]){6}, (float[]){1, 2, 3, 4, 5, 6});
    check_floats(archive, "network/weight", 2, (size_t[]){2, 3}, (float[]){1, 2, 3, 4, 5, 6});
    check_floats(archive, "network/transposed", 2, (size_t[]){3, 2}, (float[]){1, 4, 2, 5, 3, 6});
    check_floats(archive, "network/inner", 2, (size_t[]){2, 2}, (float[]){2, 3, 5, 6});
    check_floats(archive, "network/repeated", 1, (size_t[]){4}, (float[]){6, 6, 6, 6});
    check_floats(archive, "network/single", 0, NULL, (float[]){3});
    must(om_torch_length(archive, "network/bias", &length));
    assert_int_equal(length, 6);
    must(om_torch_number(archive, "loss", &number));
    assert_true(number == 5.1365587711334229);
    must(om_torch_number(archive, "rate", &number));
    assert_true(number == 0.5);
    assert_true(om_torch_has(archive, "network/weight"));
    assert_false(om_torch_has(archive, "network/height"));
    assert_false(om_torch_has(archive, "network/bias/deeper"));
    must_say(om_torch_number(archive, "network", &number), "'network' is no number");
    must_say(om_torch_number(archive, "nothing", &number), "has no 'nothing'");
    must_say(om_torch_length(archive, "loss", &length), "'loss' is no tensor");
    must_say(om_torch_length(archive, "network/weight", &length), "has 2 axes: expected 1");
    om_torch_close(archive);
    maker_free(&m);
}

static void opens_files(void **state)
{
    (void)state;
    char path[] = "/tmp/om-torch-XXXXXX";
    maker m;
    om_torch *archive;
    make_good(&m);
    m.folder = NULL;
    bytes made = make(&m);
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "wb");
    assert_int_equal(fwrite(made.data, 1, made.n, file), made.n);
    fclose(file);
    must(om_torch_open(path, &archive));
    check_floats(archive, "network/bias", 1, (size_t[]){6}, (float[]){1, 2, 3, 4, 5, 6});
    om_torch_close(archive);
    remove(path);
    assert_int_equal(om_torch_open(path, &archive), OM_EDATA);
    free(made.data);
    maker_free(&m);
}

static void cut_short_anywhere(void **state)
{
    (void)state;
    maker m;
    om_torch *archive;
    make_good(&m);
    bytes made = make(&m);
    for (size_t n = 0; n < made.n; n++) {
        unsigned char *part = malloc(n + 1); /* so that the sanitizer sees a byte too many */
        assert_non_null(part);
        memcpy(part, made.data, n);
        must_say(om_torch_open_bytes("made.pt", part, n, &archive), "zip");
        free(part);
    }
    free(made.data);
    maker_free(&m);
}

static void pickles_cut_short_anywhere(void **state)
{
    (void)state;
    maker m;
    om_pickle *pickle;
    make_good(&m);
    for (size_t n = 0; n < m.pickle.n; n++) {
        unsigned char *part = malloc(n + 1);
        assert_non_null(part);
        memcpy(part, m.pickle.data, n);
        assert_int_equal(om_pickle_read("made.pt: x", part, n, &pickle), OM_EDATA);
        assert_null(pickle);
        free(part);
    }
    maker_free(&m);
}

static void zips_that_are_no_archives(void **state)
{
    (void)state;
    maker m;
    om_torch *archive;
    begin(&m);
    m.pickle.n = 0;
    add_file(&m, "readme", "nothing", 7);
    must_say(open_made(&m, &archive), "no NAME/data.pkl");
    maker_free(&m);

    begin(&m);
    end(&m);
    m.folder = "other";
    add_file(&m, "data.pkl", m.pickle.data, m.pickle.n);
    snprintf(m.files[0].name, sizeof m.files[0].name, "another/data.pkl");
    must_say(open_made(&m, &archive), "more than one");
    maker_free(&m);

    begin(&m);
    end(&m);
    m.method = ZIP_CM_DEFLATE;
    for (int i = 0; i < 200; i++) op(&m, '.'); /* worth compressing */
    must_say(open_made(&m, &archive), "compressed");
    maker_free(&m);

    begin(&m);
    end(&m);
    add_file(&m, "byteorder", "big", 3);
    must_say(open_made(&m, &archive), "not little-endian");
    maker_free(&m);

    begin(&m);
    for (int i = 0; i < OM_PICKLE_BYTES; i++) op(&m, 'N');
    refused(&m, "expected at most 1048576");
    must_say(om_torch_open_bytes("made.pt", "hello", 5, &archive), "zip");
}

/* A pickle that would run a command, in each of the ways in which one can. */
static void nothing_is_executed(void **state)
{
    (void)state;
    maker m;
    static const struct {
        const char *module, *name;
    } callables[] = {{"os", "system"},        {"posix", "system"},      {"builtins", "eval"},
                     {"__builtin__", "exec"}, {"torch", "load"},        {"numpy", "load"},
                     {"subprocess", "Popen"}, {"collections", "deque"}, {"torch", "HalfStorage"}};
    for (size_t i = 0; i < sizeof callables / sizeof *callables; i++) {
        char expected[96];
        snprintf(expected, sizeof expected, "GLOBAL '%s %s'", callables[i].module,
                 callables[i].name);
        begin(&m);
        text(&m, "x");
        global(&m, callables[i].module, callables[i].name);
        op(&m, '(');
        text(&m, "touch /tmp/om-torch-was-here");
        op(&m, 't');
        op(&m, 'R');
        refused(&m, expected);
    }
    begin(&m); /* a name with bytes that a terminal would obey */
    global(&m, "os\033[2J", "system");
    refused(&m, "GLOBAL 'os?[2J system'");

    static const struct {
        int code;
        const char *name;
    } opcodes[] = {{'i', "INST"},       {'o', "OBJ"},           {0x81, "NEWOBJ"},
                   {0x92, "NEWOBJ_EX"}, {0x93, "STACK_GLOBAL"}, {0x82, "EXT1"},
                   {'P', "PERSID"},     {0x95, "FRAME"},        {'S', "STRING"},
                   {'2', "DUP"},        {0x8a, "LONG1"},        {'C', "SHORT_BINBYTES"}};
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        char expected[48];
        snprintf(expected, sizeof expected, "opcode %s:", opcodes[i].name);
        begin(&m);
        op(&m, opcodes[i].code);
        refused(&m, expected);
    }
    begin(&m);
    op(&m, 0xff);
    refused(&m, "0xff is no opcode");
    assert_int_not_equal(remove("/tmp/om-torch-was-here"), 0);
}

/* Each of these ends a pickle that begins as a good one does. */
static void machines_that_break_down(void **state)
{
    (void)state;
    static const struct {
        const char *codes, *says;
        size_t n;
    } cases[] = {
        {"u", "there is no mark", 1},
        {"tt", "there is no mark", 2},
        {"R", "the stack is empty", 1},
        {"NNR", "cannot be called", 3},
        {"N)R", "cannot be called", 3},
        {"\x86", "the stack is empty", 1},
        {"s", "the stack is empty", 1},
        {"NNNs", "no dictionary", 4},
        {"NNa", "no list", 3},
        {"](N)u", "no dictionary", 5},
        {"}(Nu", "a key without a value", 4},
        {"Q", "the stack is empty", 1},
        {"NQ", "no storage", 2},
        {")Q", "no storage", 2},
        {"b", "the stack is empty", 1},
        {"N}b", "no state", 3},
        {"h\x05", "memo 5 holds nothing", 2},
        {"j\xff\xff\xff\xff", "memo 4294967295 holds nothing", 5},
        {"Nr\xff\xff\xff\x7f", "memo 2147483647 in so short a pickle", 6},
        {"q\x01", "the stack is empty", 2},
        {"X\xff\xff\xff\xff", "ends in the middle", 5},
        {"\x80\x02", "expected 2", 2}, /* again, where it is not the first */
        {"cos", "ends in the middle", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        begin(&m);
        put(&m.pickle, cases[i].codes, cases[i].n);
        refused(&m, cases[i].says);
    }
    maker m;
    begin(&m);
    for (int i = 0; i < 100; i++) op(&m, '(');
    refused(&m, "nested more than 64 deep");
    om_torch *archive;
    begin(&m);
    end(&m);
    m.pickle.data[1] = 4;
    must_say(open_made(&m, &archive), "protocol 4: expected 2");
    m.pickle.data[0] = '(';
    must_say(open_made(&m, &archive), "this is no pickle");
    maker_free(&m);
    begin(&m);
    end(&m);
    op(&m, 'N');
    must_say(open_made(&m, &archive), "does not end with one value");
    maker_free(&m);
}

static void a_container_may_hold_itself(void **state)
{
    (void)state;
    maker m;
    om_torch *archive;
    begin(&m);
    text(&m, "a");
    op(&m, '}');
    memo(&m, 'q', 1);
    text(&m, "a");
    memo(&m, 'h', 1);
    op(&m, 's');
    end(&m);
    must(open_made(&m, &archive));
    assert_true(om_torch_has(archive, "a/a/a/a/a"));
    assert_false(om_torch_has(archive, "a/a/b"));
    om_torch_close(archive);
    maker_free(&m);
}

static void tensor_is_refused(int offset, int n_axes, const int *lengths, const int *strides,
                              int numbers, const char *part)
{
    maker m;
    const float three[3] = {1, 2, 3};
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "FloatStorage", storage(&m, three, sizeof three), numbers, offset, n_axes,
              lengths, strides);
    refused(&m, part);
}

static void tensors_that_reach_too_far(void **state)
{
    (void)state;
    const int most = INT32_MAX, large = 1 << 26;
    tensor_is_refused(0, 1, (int[]){4}, NULL, 3, "reaches beyond its storage");
    tensor_is_refused(1, 1, (int[]){3}, NULL, 3, "reaches beyond its storage");
    tensor_is_refused(3, 0, NULL, NULL, 3, "reaches beyond its storage");
    tensor_is_refused(0, 1, (int[]){2}, (int[]){3}, 3, "reaches beyond its storage");
    tensor_is_refused(0, 2, (int[]){2, 2}, (int[]){2, 1}, 3, "reaches beyond its storage");
    tensor_is_refused(-1, 1, (int[]){2}, NULL, 3, "outside its storage");
    tensor_is_refused(most, 1, (int[]){2}, NULL, 3, "outside its storage");
    tensor_is_refused(2, 1, (int[]){3}, (int[]){-1}, 3, "arguments");
    tensor_is_refused(0, 1, (int[]){-3}, (int[]){1}, 3, "arguments");
    tensor_is_refused(0, 1, (int[]){most}, (int[]){0}, 3, "size overflows");
    tensor_is_refused(0, 1, (int[]){1}, (int[]){most}, 3, "size overflows");
    tensor_is_refused(0, 2, (int[]){large, 2}, (int[]){0, 0}, 3, "size overflows");
    tensor_is_refused(0, 8, (int[]){2, 2, 2, 2, 2, 2, 2, 2},
                      (int[]){large, large, large, large, large, large, large, large}, 3,
                      "reaches beyond its storage");
    tensor_is_refused(0, 1, (int[]){3}, NULL, -3, "a storage of -3 numbers");
    tensor_is_refused(0, 1, (int[]){3}, NULL, most, "a storage of 2147483647 numbers");
}

static void tensors_of_another_kind(void **state)
{
    (void)state;
    maker m;
    const float three[3] = {1, 2, 3};
    const double two[2] = {1, 2};
    begin(&m);
    floats(&m, "x", 1, (int[]){3}, three);
    unreadable(&m, 4, "'x' has shape 3: expected 4");
    begin(&m);
    floats(&m, "x", 2, (int[]){3, 1}, three);
    unreadable(&m, 3, "'x' has shape 3 x 1: expected 3");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "DoubleStorage", storage(&m, two, sizeof two), 2, 0, 1, (int[]){2}, NULL);
    unreadable(&m, 2, "'x' is of type float64: expected float32");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "LongStorage", storage(&m, two, sizeof two), 2, 0, 1, (int[]){2}, NULL);
    unreadable(&m, 2, "'x' is of type int64");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "IntStorage", storage(&m, two, sizeof two), 4, 0, 1, (int[]){4}, NULL);
    unreadable(&m, 4, "'x' is of type int32");
    begin(&m);
    text(&m, "x");
    op(&m, 'N');
    unreadable(&m, 4, "'x' is no tensor");
    begin(&m);
    unreadable(&m, 4, "has no 'x'");
    begin(&m);
    floats(&m, "x", 1, (int[]){3}, (float[]){1, NAN, 3});
    unreadable(&m, 3, "'x': number 1 is nan");
    begin(&m);
    floats(&m, "x", 1, (int[]){3}, (float[]){1, 2, -INFINITY});
    unreadable(&m, 3, "'x': number 2 is -inf");
}

static void storages_that_do_not_fit(void **state)
{
    (void)state;
    maker m;
    const float three[3] = {1, 2, 3};
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "FloatStorage", "7", 3, 0, 1, (int[]){3}, NULL);
    unreadable(&m, 3, "has no 'archive/data/7'");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "FloatStorage", "../data.pkl", 3, 0, 1, (int[]){3}, NULL);
    unreadable(&m, 3, "not named by a number");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "FloatStorage", storage(&m, three, 8), 3, 0, 1, (int[]){3}, NULL);
    unreadable(&m, 3, "'archive/data/0' has 8 bytes: expected 12");
    begin(&m);
    text(&m, "x");
    tensor_of(&m, "FloatStorage", storage(&m, three, 12), 2, 0, 1, (int[]){2}, NULL);
    unreadable(&m, 2, "'archive/data/0' has 12 bytes: expected at most 8");
    begin(&m); /* one bit of the numbers is not what it was */
    const float marked[3] = {1234.5F, 2, 3};
    floats(&m, "x", 1, (int[]){3}, marked);
    end(&m);
    bytes made = make(&m);
    unsigned char *at = memmem(made.data, made.n, marked, sizeof marked);
    assert_non_null(at);
    at[4] ^= 1;
    om_torch *archive;
    float out[3];
    must(om_torch_open_bytes("made.pt", made.data, made.n, &archive));
    must_say(om_torch_floats(archive, "x", 1, (size_t[]){3}, out), "'archive/data/0' is damaged");
    om_torch_close(archive);
    free(made.data);
    maker_free(&m);
}

static void numbers_of_numpy(void **state)
{
    (void)state;
    maker m;
    om_torch *archive;
    double number;
    static const struct {
        const char *from, *to, *says;
    } changes[] = {{"f8", "i8", "type 'i8'"},
                   {"f8", "f4", "another number of bytes"},
                   {"latin1", "utf-16", "not latin1"},
                   {"<", ">", "not little-endian"}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        begin(&m);
        numpy_double(&m, "x", 1.5);
        char *at = memmem(m.pickle.data, m.pickle.n, changes[i].from, strlen(changes[i].from));
        assert_non_null(at);
        memcpy(at, changes[i].to, strlen(changes[i].to));
        refused(&m, changes[i].says);
    }
    begin(&m);
    numpy_double(&m, "x", NAN);
    end(&m);
    must(open_made(&m, &archive));
    must_say(om_torch_number(archive, "x", &number), "'x' is nan");
    om_torch_close(archive);
    maker_free(&m);
}

/* --- damage at random ------------------------------------------------------------------------ */

/* Changes one to four bytes, or inserts or removes some. */
static void mutate(bytes *b, const om_stream *stream)
{
    uint32_t n = 1 + om_random_below(stream, 0, 4);
    for (uint32_t i = 1; i <= n; i++) {
        size_t at = om_random_below(stream, 4 * i, (uint32_t)b->n);
        switch (om_random_below(stream, 4 * i + 1, 4)) {
        case 0: b->data[at] ^= (unsigned char)(1U << om_random_below(stream, 4 * i + 2, 8)); break;
        case 1: b->data[at] = (unsigned char)om_random_below(stream, 4 * i + 2, 256); break;
        case 2: memmove(b->data + at, b->data + at + 1, b->n - at - 1), b->n--; break;
        default: put(b, "", 1); memmove(b->data + at + 1, b->data + at, b->n - at - 1);
        }
    }
}

/* Reads all that a good archive has: it must come out, or be refused. */
static bool read_all(const void *data, size_t n)
{
    static const char *const tensors[] = {"network/bias",       "network/weight",
                                          "network/transposed", "network/repeated",
                                          "network/inner",      "network/single"};
    static const size_t lengths[][2] = {{6}, {2, 3}, {3, 2}, {4}, {2, 2}, {0}};
    static const int axes[] = {1, 2, 2, 1, 2, 0};
    float out[64];
    double number;
    om_torch *archive;
    om_status status = om_torch_open_bytes("made.pt", data, n, &archive);
    assert_true(status == OM_OK || status == OM_EDATA);
    if (status != OM_OK) return false;
    for (int i = 0; i < 6; i++) {
        om_status read = om_torch_floats(archive, tensors[i], axes[i], lengths[i], out);
        assert_true(read == OM_OK || read == OM_EDATA);
    }
    om_status read = om_torch_number(archive, "loss", &number);
    assert_true(read == OM_OK || read == OM_EDATA);
    om_torch_close(archive);
    return true;
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    enum { MUTATIONS = 600 };
    int good[2] = {0};
    for (uint32_t i = 0; i < 2 * MUTATIONS; i++) {
        const om_stream stream = {20, i, OM_FOR_INIT, 0, 0};
        bool inside = i % 2 == 0; /* the pickle, in a sound zip; or the zip */
        maker m;
        make_good(&m);
        if (inside) mutate(&m.pickle, &stream);
        bytes made = make(&m);
        if (!inside) mutate(&made, &stream);
        unsigned char *exact = malloc(made.n);
        assert_non_null(exact);
        memcpy(exact, made.data, made.n);
        good[inside] += read_all(exact, made.n);
        free(exact);
        free(made.data);
        maker_free(&m);
    }
    print_message("of %d damaged archives %d, of as many damaged pickles %d could be opened\n",
                  MUTATIONS, good[0], good[1]);
    assert_true(good[0] < MUTATIONS && good[1] < MUTATIONS && good[0] + good[1] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),
        cmocka_unit_test(opens_files),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(pickles_cut_short_anywhere),
        cmocka_unit_test(zips_that_are_no_archives),
        cmocka_unit_test(nothing_is_executed),
        cmocka_unit_test(machines_that_break_down),
        cmocka_unit_test(a_container_may_hold_itself),
        cmocka_unit_test(tensors_that_reach_too_far),
        cmocka_unit_test(tensors_of_another_kind),
        cmocka_unit_test(storages_that_do_not_fit),
        cmocka_unit_test(numbers_of_numpy),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
