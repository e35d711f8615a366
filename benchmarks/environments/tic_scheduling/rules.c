/* The rules of tiny instant communication as a plain C loop: see twin_gym/sim/tic/kernel.py.

   It works on the arrays of the compiled kernel itself, with the same draws, the same order of
   floating-point operations and the same observations, so that the two must agree to the last bit.
   It knows the action form `weights` and drawn channels alone, and leaves the indicators of an
   ended episode to its caller.

   layout.h is written by the caller from the NumPy record types: struct network, sensor, head, row,
   choice, outcome, batch. */

#include <math.h>

#include "draws.h"
#include "layout.h"

#define QUEUE_BITS 15
#define QUEUE_MASK ((INT64_C(1) << QUEUE_BITS) - 1)
#define GONE INT64_C(-1)
#define SENSOR_ROOM (INT64_C(1) << 14)
#define NEVER (INT64_C(1) << 50)

enum { DOWNLINK = 1 };
enum { BURST_START = 0, BURST_SENSOR = 1, BACKGROUND = 2, STATE = 3, SUCCESS = 4 };
enum { WEIGHTS = 4, SLACKS = 8 };
enum { FILL = 2 * SLACKS, LOAD = FILL + 3, LAST = LOAD + 3, SHARES = LAST + 4, PHASE = SHARES + 4 };

typedef const struct network Network;
typedef const struct sensor Sensor;
typedef struct row Row;

/* One running network and its scenario. */
struct running {
    Network *network;
    Sensor *sensors;
    const int64_t *firsts;
    uint64_t world;
    Row *row;
    int64_t *messages, *waiting;
    int16_t *fills;
    int32_t *answers;
    int64_t *answer_counts;
    int32_t *latencies;
    struct choice *best;
};

typedef const struct running Running;

/* What the world decides: see twin_gym/sim/tic/workload.py. */

static inline int64_t burst_slot(Running *run, int64_t burst) {
    Network *network = run->network;
    double drawn =
        uniform(run->world, BURST_START, burst) * (double)(network->burst_jitter + 1);
    return burst * network->burst_period + (int64_t)ceil(drawn) - 1;
}

static inline int64_t background_gap(Running *run, int64_t count) {
    if (run->network->background >= 1.0) return 1;
    if (run->network->background <= 0.0) return NEVER;
    double skipped = natural_log(uniform(run->world, BACKGROUND, count));
    skipped *= run->network->background_scale;
    return (int64_t)floor(MIN(skipped, 1e15)) + 1;
}

static inline int gets_through(Running *run, int64_t queue, int64_t slot) {
    Network *network = run->network;
    int64_t block = slot / network->block_slots, sensor = queue >> 1;
    double drawn = uniform(run->world, SUCCESS, slot * 2 * SENSOR_ROOM + queue);
    double state = uniform(run->world, STATE, block * SENSOR_ROOM + sensor);
    return drawn <= (state <= network->bad_share ? network->bad : network->good);
}

/* The rules. */

static inline void begin_step(Row *row) {
    row->step_delivered = row->step_expired = row->step_dropped = row->step_attempts = 0;
}

static inline void join(Running *run, int64_t slot, int64_t queue) {
    Row *row = run->row;
    int64_t direction = queue & 1;
    row->offered[direction]++;
    if (run->fills[queue] >= run->network->buffer) {
        row->dropped[direction]++;
        row->step_dropped++;
        return;
    }
    run->fills[queue]++;
    int64_t gateway = run->sensors[queue >> 1].gateway;
    run->messages[run->firsts[gateway] + run->waiting[gateway]++] = (slot << QUEUE_BITS) + queue;
    row->queued++;
}

static void burst(Running *run, int64_t slot) {
    Network *network = run->network;
    int64_t number = run->row->burst, wanted = network->burst_sensors;
    for (int64_t sensor = 0; sensor < network->num_sensors; sensor++) {
        double drawn = uniform(run->world, BURST_SENSOR, number * SENSOR_ROOM + sensor);
        if (drawn * (double)(network->num_sensors - sensor) > (double)wanted) continue;
        wanted--;
        for (int64_t k = 0; k < network->burst_messages; k++) join(run, slot, 2 * sensor);
    }
    run->row->burst = number + 1;
    run->row->burst_slot = burst_slot(run, number + 1);
}

static inline void arrive(Running *run, int64_t slot) {
    Network *network = run->network;
    Row *row = run->row;
    int64_t bucket = slot % network->ring, start = slot * network->num_sensors;
    const int32_t *ready = run->answers + bucket * network->most_answers;
    for (int64_t i = 0; i < run->answer_counts[bucket]; i++)
        join(run, slot, 2 * (int64_t)ready[i] + DOWNLINK);
    run->answer_counts[bucket] = 0;
    if (slot == row->burst_slot) burst(run, slot);
    while (row->background < start + network->num_sensors) {
        join(run, slot, 2 * (row->background - start));
        row->background += background_gap(run, row->background_count);
        row->background_count++;
    }
}

static inline void transmit(Running *run, int64_t slot, int64_t place) {
    Network *network = run->network;
    Row *row = run->row;
    int64_t message = run->messages[place], queue = message & QUEUE_MASK, direction = queue & 1;
    row->attempts++;
    row->step_attempts++;
    if (!gets_through(run, queue, slot)) return;
    int64_t latency = slot - (message >> QUEUE_BITS) + 1;
    run->latencies[latency]++;
    row->waited[direction] += latency;
    row->delivered[direction]++;
    row->step_delivered++;
    row->queued--;
    run->fills[queue]--;
    run->messages[place] = GONE;
    if (direction != DOWNLINK && network->answers) {
        int64_t bucket = slot % network->ring;
        int64_t at = bucket * network->most_answers + run->answer_counts[bucket]++;
        run->answers[at] = (int32_t)(queue >> 1);
    }
}

static inline int is_before(double index, int64_t message, const struct choice *other) {
    return index > other->index || (index == other->index && message < other->message);
}

static inline void choose(Running *run, int64_t slot, int64_t first, int64_t number) {
    Network *network = run->network;
    const double *weights = run->row->weights;
    struct choice *best = run->best;
    int64_t kept = 0;
    double scale = 1.0 / (double)network->most_deadline;
    double fill_scale = 1.0 / (double)network->buffer;
    for (int64_t place = first; place < first + number; place++) {
        int64_t message = run->messages[place], queue = message & QUEUE_MASK;
        int64_t age = slot - (message >> QUEUE_BITS);
        int64_t remaining = network->deadline[queue & 1] - 1 - age;
        double index = weights[0] * run->sensors[queue >> 1].density
                       + weights[1] * (1.0 - (double)remaining * scale)
                       + weights[2] * ((double)age * scale)
                       + weights[3] * ((double)run->fills[queue] * fill_scale);
        if (kept == network->grants) {
            if (!is_before(index, message, &best[kept - 1])) continue;
            kept--;
        }
        int64_t at = kept++;
        for (; at > 0 && is_before(index, message, &best[at - 1]); at--) best[at] = best[at - 1];
        best[at] = (struct choice){index, message, place};
    }
}

static inline void tidy(Running *run, int64_t slot, int64_t gateway) {
    Row *row = run->row;
    int64_t first = run->firsts[gateway], kept = first, end = first + run->waiting[gateway];
    for (int64_t place = first; place < end; place++) {
        int64_t message = run->messages[place];
        if (message == GONE) continue;
        int64_t queue = message & QUEUE_MASK, direction = queue & 1;
        if (slot - (message >> QUEUE_BITS) >= run->network->deadline[direction]) {
            row->expired[direction]++;
            row->step_expired++;
            row->queued--;
            run->fills[queue]--;
            continue;
        }
        run->messages[kept++] = message;
    }
    run->waiting[gateway] = kept - first;
}

static inline void serve(Running *run, int64_t slot) {
    int64_t grants = run->network->grants;
    for (int64_t gateway = 0; gateway < run->network->num_gateways; gateway++) {
        int64_t number = run->waiting[gateway], first = run->firsts[gateway];
        if (number == 0) continue;
        if (number > grants) {
            choose(run, slot, first, number);
            for (int64_t k = 0; k < grants; k++) transmit(run, slot, run->best[k].place);
        } else {
            for (int64_t k = 0; k < number; k++) transmit(run, slot, first + k);
        }
        tidy(run, slot + 1, gateway);
    }
}

static inline void end_slot(Running *run, int64_t slot) {
    Row *row = run->row;
    if ((slot + 1) % run->network->burst_period != 0) return;
    int64_t delivered = row->delivered[0] + row->delivered[1];
    int64_t inside = delivered - row->window_start;
    row->window_start = delivered;
    row->windows++;
    row->window_sum += inside;
    row->window_squares += inside * inside;
}

static void begin(Running *run, const struct batch *batch) {
    Row *row = run->row;
    memset(row, 0, sizeof(*row));
    row->burst_slot = burst_slot(run, 0);
    row->background = background_gap(run, 0) - 1;
    row->background_count = 1;
    for (int64_t k = 0; k < WEIGHTS; k++) row->weights[k] = 1.0 / WEIGHTS;
    memset(run->waiting, 0, (size_t)batch->waiting_width * sizeof(int64_t));
    memset(run->fills, 0, (size_t)batch->fills_width * sizeof(int16_t));
    memset(run->answer_counts, 0, (size_t)batch->answer_counts_width * sizeof(int64_t));
    memset(run->latencies, 0, (size_t)batch->latencies_width * sizeof(int32_t));
    arrive(run, 0);
    begin_step(row);
}

/* What an agent sees and earns: see twin_gym/envs/tic_scheduling. */

static inline void observe(Running *run, int64_t slot, float *seen) {
    Network *network = run->network;
    const Row *row = run->row;
    int64_t fullest = 0;
    double total = 0.0, squares = 0.0, largest = 0.0;
    double room = 1.0 / (double)(network->grants * network->most_deadline);
    for (int64_t k = 0; k < PHASE + 2; k++) seen[k] = 0.0f;
    for (int64_t gateway = 0; gateway < network->num_gateways; gateway++) {
        int64_t number = run->waiting[gateway], first = run->firsts[gateway];
        double load = (double)number * room;
        load = MIN(load, 1.0);
        total += load;
        squares += load * load;
        largest = MAX(largest, load);
        for (int64_t place = first; place < first + number; place++) {
            int64_t message = run->messages[place], queue = message & QUEUE_MASK;
            int64_t direction = queue & 1, age = slot - (message >> QUEUE_BITS);
            int64_t remaining = network->deadline[direction] - 1 - age;
            remaining = MIN(MAX(remaining, 0), SLACKS - 1);
            seen[direction * SLACKS + remaining] += 1.0f;
            fullest = MAX(fullest, run->fills[queue]);
        }
    }
    if (row->queued > 0) {
        float share = (float)(1.0 / (double)row->queued);
        for (int64_t k = 0; k < 2 * SLACKS; k++) {
            float part = seen[k] * share;
            seen[k] = MIN(part, 1.0f);
        }
    }
    double gateways = 1.0 / (double)network->num_gateways, mean = total * gateways;
    double queued = (double)row->queued * room * gateways;
    double variance = squares * gateways - mean * mean;
    double deviation = 2.0 * sqrt(MAX(variance, 0.0));
    double places = 2.0 * (double)network->num_sensors * (double)network->buffer;
    seen[FILL] = (float)MIN(queued, 1.0);
    seen[FILL + 1] = (float)((double)row->queued / places);
    seen[FILL + 2] = (float)((double)fullest / (double)network->buffer);
    seen[LOAD] = (float)mean;
    seen[LOAD + 1] = (float)largest;
    seen[LOAD + 2] = (float)MIN(deviation, 1.0);
    double lost = (double)(row->step_expired + row->step_dropped);
    double over = lost + (double)row->step_delivered, attempts = (double)row->step_attempts;
    if (over > 0.0) {
        seen[LAST] = (float)(lost / over);
        seen[LAST + 1] = (float)((double)row->step_delivered / over);
    }
    if (attempts > 0.0) seen[LAST + 2] = (float)(1.0 - (double)row->step_delivered / attempts);
    int64_t grants = network->frame_slots * network->grants * network->num_gateways;
    seen[LAST + 3] = (float)(attempts / (double)grants);
    for (int64_t k = 0; k < WEIGHTS; k++) seen[SHARES + k] = (float)row->weights[k];
    double period = (double)network->burst_period;
    seen[PHASE] = (float)((double)(slot % network->burst_period) / period);
    seen[PHASE + 1] = (float)((double)slot / (double)network->num_slots);
}

static inline void report(Running *run, const struct head *head, struct outcome *outcome) {
    Network *network = run->network;
    const Row *row = run->row;
    double lost = (double)(row->step_expired + row->step_dropped);
    double over = lost + (double)row->step_delivered;
    double excess = over > 0.0 ? lost / over - network->loss_target : 0.0;
    outcome->on_time = (double)row->step_delivered * network->value;
    outcome->expired = (double)-row->step_expired * network->value;
    outcome->dropped = (double)-row->step_dropped * network->value;
    outcome->reward = outcome->on_time + outcome->expired + outcome->dropped;
    outcome->elapsed_s = (double)network->frame_slots * network->slot_s;
    outcome->cost = MAX(excess, 0.0);
    outcome->disallowed_actions = 0;
    outcome->truncated = head->is_over != 0;
}

static inline void weigh(Row *row, const double *action) {
    double total = action[0] + action[1] + action[2] + action[3];
    for (int64_t k = 0; k < WEIGHTS; k++)
        row->weights[k] = total > 0.0 ? action[k] / total : 1.0 / WEIGHTS;
}

static inline void step_row(const struct batch *batch, int64_t i, const double *action) {
    struct head *head = &batch->heads[i];
    float *seen = batch->observations + i * batch->observations_width;
    struct running run = {
        batch->networks, batch->sensors, batch->firsts, head->world, &batch->rows[i],
        batch->messages + i * batch->messages_width, batch->waiting + i * batch->waiting_width,
        batch->fills + i * batch->fills_width, batch->answers + i * batch->answers_width,
        batch->answer_counts + i * batch->answer_counts_width,
        batch->latencies + i * batch->latencies_width, batch->best + i * batch->best_width,
    };
    Network *network = run.network;
    weigh(run.row, action);
    begin_step(run.row);
    int64_t slot = head->slot;
    for (int64_t k = 0; k < network->frame_slots; k++) {
        serve(&run, slot);
        end_slot(&run, slot);
        if (++slot < network->num_slots) arrive(&run, slot);
    }
    head->slot = slot;
    head->is_over = slot >= network->num_slots;
    report(&run, head, &batch->outcomes[i]);
    observe(&run, slot, seen);
    if (head->is_over) {
        memcpy(batch->final_observations + i * batch->observations_width, seen,
               (size_t)batch->observations_width * sizeof(float));
        head->episode++;
        head->world = run.world = world_key(head->seed, head->episode);
        head->slot = head->is_over = 0;
        begin(&run, batch);
        observe(&run, 0, seen);
    }
}

/* `steps` frames of all rows; frame j takes row j modulo `num_choices` of the weights. */
void step_many(const struct batch *batch, const double *weights, int64_t num_choices,
               int64_t steps) {
    for (int64_t j = 0; j < steps; j++) {
        const double *chosen = weights + (j % num_choices) * batch->num_rows * WEIGHTS;
        for (int64_t i = 0; i < batch->num_rows; i++) step_row(batch, i, chosen + i * WEIGHTS);
    }
}
