/* Teams: several trainers that divide every batch of one model among them come to the bits of one who is
 * alone. Here members are threads of this program, who exchange through its memory. */
#include <pthread.h>
#include <string.h>

#include "train_bench.h"

enum { MODEL = 4, MOST_MEMBERS = 4 };

/* ---- a team ---- */

/* Where members meet: each puts up what it has, waits for the others, and takes theirs. */
typedef struct team {
    pthread_barrier_t barrier;
    int members;
    char *data[MOST_MEMBERS];
    uint64_t meetings;
} team;

typedef struct seat {
    team *of;
    om_exchange exchange;
} seat;

static void gather(void *context, void *data, int items, size_t bytes)
{
    const seat *own = context;
    team *t = own->of;
    t->data[own->exchange.member] = data;
    pthread_barrier_wait(&t->barrier);
    for (int m = 0; m < t->members; m++) {
        const int first = om_exchange_first(t->members, m, items);
        const int end = om_exchange_first(t->members, m + 1, items);
        if (m != own->exchange.member)
            memcpy((char *)data + (size_t)first * bytes, t->data[m] + (size_t)first * bytes,
                   (size_t)(end - first) * bytes);
    }
    pthread_barrier_wait(&t->barrier);
    if (own->exchange.member == 0) t->meetings++;
}

/* ---- training in one ---- */

/* What is trained, and how it is cut into calls. */
typedef struct task {
    om_train_options options;
    int validation, threads;
    uint64_t step; /* iterations of a call */
    int stopper;   /* the member who is asked to stop from call 3 on to call 5; -1: none */
} task;

typedef struct member {
    const task *work;
    seat seat;
    const om_circuit *circuit;
    const om_scenes *scenes;
    om_state *state;
    size_t bytes;
    volatile sig_atomic_t stop;
    int stops;
    om_status status;
    char message[512];
} member;

static om_status go_through(member *m, om_trainer *trainer)
{
    om_status status = OM_OK;
    for (int call = 0; status == OM_OK && m->state->iteration < m->work->options.iterations;
         call++) {
        m->stop = call >= 3 && call < 5 && m->work->stopper == m->seat.exchange.member;
        status = om_train_advance(trainer, m->state, m->state->iteration + m->work->step);
        if (status != OM_ESTOPPED) continue;
        m->stops++;
        status = OM_OK;
    }
    return status;
}

static void *train(void *context)
{
    member *m = context;
    om_trainer *trainer = NULL;
    const om_exchange *exchange = m->seat.exchange.members > 1 ? &m->seat.exchange : NULL;
    m->status = om_trainer_create(m->circuit, m->scenes, &m->work->options, m->work->threads,
                                  exchange, &m->stop, &trainer);
    if (m->status == OM_OK) {
        m->bytes = om_trainer_layout(trainer)->bytes;
        m->state = naive_zeroed(m->bytes, 1);
        m->status = om_state_init(om_trainer_layout(trainer), m->circuit, &m->work->options,
                                  BENCH_SEED, MODEL, m->state);
    }
    if (m->status == OM_OK) m->status = go_through(m, trainer);
    snprintf(m->message, sizeof m->message, "%s", om_message());
    om_trainer_free(trainer);
    return NULL;
}

/* All members' states are the same, and so is how training ended; the first one's remains. */
static member train_team(const task *work, int members)
{
    member all[MOST_MEMBERS] = {0};
    pthread_t threads[MOST_MEMBERS];
    team meeting = {.members = members};
    om_circuit *circuit = naive_random_circuit(6, 7, 18, 2, true);
    om_scenes *scenes = bench_films(2, 26, work->validation);
    pthread_barrier_init(&meeting.barrier, NULL, (unsigned)members);
    for (int i = 0; i < members; i++) {
        all[i] = (member){.work = work, .circuit = circuit, .scenes = scenes};
        all[i].seat = (seat){&meeting, {members, i, gather, &all[i].seat}};
        assert_int_equal(pthread_create(&threads[i], NULL, train, &all[i]), 0);
    }
    for (int i = 0; i < members; i++) pthread_join(threads[i], NULL);
    for (int i = 1; i < members; i++) {
        assert_int_equal(all[i].status, all[0].status);
        assert_int_equal(all[i].stops, all[0].stops);
        assert_string_equal(all[i].message, all[0].message);
        if (all[i].state != NULL) assert_memory_equal(all[i].state, all[0].state, all[0].bytes);
        free(all[i].state);
    }
    if (members > 1 && all[0].status == OM_OK) assert_in_range(meeting.meetings, 1, 1000000);
    pthread_barrier_destroy(&meeting.barrier);
    om_scenes_free(scenes);
    naive_circuit_free(circuit);
    return all[0];
}

/* A team has the state of one who is alone, and his status and message. */
static void assert_as_alone(const task *work, int members)
{
    const task undisturbed = {work->options, work->validation, 1, 12, -1};
    member alone = train_team(&undisturbed, 1), first = train_team(work, members);
    assert_int_equal(first.status, alone.status);
    assert_non_null(first.state);
    assert_int_equal(first.bytes, alone.bytes);
    assert_memory_equal(first.state, alone.state, alone.bytes);
    if (alone.status == OM_OK) assert_int_equal(first.state->iteration, 12);
    assert_int_equal(first.stops > 0, work->stopper >= 0);
    free(alone.state), free(first.state);
}

static task task_of(int batch, om_convolution convolution)
{
    task t = {
        .options = bench_all_options(), .validation = 3, .threads = 1, .step = 12, .stopper = -1};
    t.options.batch_size = batch;
    t.options.convolution = convolution;
    return t;
}

/* ---- the tests ---- */

/* Batches of two to four quads, the last of them whole or not; teams that share them evenly or not. */
static void test_a_team_has_the_bits_of_one(void **unused)
{
    (void)unused;
    static const int cases[][2] = {{8, 2}, {7, 2}, {12, 2}, {12, 3}, {10, 3}, {16, 3}, {13, 4}};
    for (int convolution = OM_CONVOLUTION_DIRECT; convolution <= OM_CONVOLUTION_FFT; convolution++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            const task t = task_of(cases[i][0], (om_convolution)convolution);
            assert_as_alone(&t, cases[i][1]);
        }
}

static void test_whatever_is_trained(void **unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        task t = task_of(8, i & 1 ? OM_CONVOLUTION_FFT : OM_CONVOLUTION_DIRECT);
        t.options.loss = i & 2 ? OM_LOSS_EPE : OM_LOSS_L2NORM;
        t.options.penalty_activity = i & 4 ? 0 : 0.1;
        t.options.batch_norm = i & 4 ? OM_BATCH_NORM_RUNNING : OM_BATCH_NORM_BATCH;
        t.options.dropout = i & 4 ? 0 : 0.5;
        assert_as_alone(&t, 2);
    }
}

/* Fewer, as many, and more validation scenes than a member's part of a batch, than a batch. */
static void test_validation_scenes_need_not_share_out(void **unused)
{
    (void)unused;
    for (int n = 1; n <= 9; n += 2) {
        task t = task_of(8, OM_CONVOLUTION_DIRECT);
        t.validation = n;
        t.options.selection = n % 4 == 1 ? OM_LOSS_L2NORM : OM_LOSS_EPE;
        assert_as_alone(&t, 2);
    }
}

static void test_threads_of_members(void **unused)
{
    (void)unused;
    for (int threads = 2; threads <= 3; threads++) {
        task t = task_of(12, threads == 2 ? OM_CONVOLUTION_FFT : OM_CONVOLUTION_DIRECT);
        t.threads = threads;
        assert_as_alone(&t, 2);
    }
}

/* Members stop together, whoever of them is asked to, and go on as if nothing had been. */
static void test_stopping_and_going_on(void **unused)
{
    (void)unused;
    for (int stopper = 0; stopper < 3; stopper++) {
        task t = task_of(12, OM_CONVOLUTION_FFT);
        t.step = 2;
        t.stopper = stopper;
        assert_as_alone(&t, 3);
    }
}

/* Learning rates at which the loss rises: members are set back together, or give the model up. */
static void test_divergence(void **unused)
{
    (void)unused;
    for (int retries = 0; retries <= 4; retries += 2) {
        task t = task_of(8, OM_CONVOLUTION_DIRECT);
        t.options = bench_options();
        t.options.batch_size = 8;
        t.options.learning_rate[0] = 1e-3;
        t.options.learning_rate[1] = 1;
        t.options.rate_steps = 4;
        t.options.schedule_stop = 12;
        t.options.validate_every = 2;
        t.options.explode = 1.05;
        t.options.retries = retries;
        const member alone = train_team(&t, 1);
        assert_int_equal(alone.status == OM_EDIVERGED || alone.state->retries > 0, true);
        free(alone.state);
        assert_as_alone(&t, 2);
    }
}

/* A quad is not divided. */
static void test_more_members_than_quads(void **unused)
{
    (void)unused;
    const task t = task_of(8, OM_CONVOLUTION_DIRECT);
    const member first = train_team(&t, 3);
    assert_int_equal(first.status, OM_EDATA);
    assert_non_null(strstr(first.message, "a team of 3 for a batch of 8: expected at most 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_team_has_the_bits_of_one),
        cmocka_unit_test(test_whatever_is_trained),
        cmocka_unit_test(test_validation_scenes_need_not_share_out),
        cmocka_unit_test(test_threads_of_members),
        cmocka_unit_test(test_stopping_and_going_on),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_more_members_than_quads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
