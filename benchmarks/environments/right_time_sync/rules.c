/* The rules of right-time synchronisation as a plain C loop: see twin_gym/sim/sync/kernel.py.

   It works on the arrays of the compiled kernel itself, with the same draws, the same order of
   floating-point operations and the same observations, so that the two must agree to the last bit.
   It knows what the presets `sync-small`, `sync-medium` and `sync-large` need and no more: drawn
   values, expected errors, no trend, no budget, one pick a slot, the objective `balanced`. It takes
   -1 for nobody, and leaves the indicators of an ended episode to its caller.

   layout.h is written by the caller from the NumPy record types: struct network, entity, head, row,
   outcome, batch. */

#include <math.h>

#include "draws.h"
#include "layout.h"

enum { TWO_STATE = 1 };
enum { VALUES = 0, DELIVERY = 1 };
enum { DECAY = 0, SETTLED = 1, GROWTH = 2, HOLD = 3, WEIGHT = 4 };
enum { BORN = 0, VALUE, SHRUNK, ERROR, SLOPE, IS_KNOWN, SQUARES, SPANS };
enum { RATE = 0, CHANGE = 1 };
#define NODE_ROOM (INT64_C(1) << 18)
#define ENTITY_ROOM (INT64_C(1) << 14)
#define NOTHING_LEFT 1e-100

typedef const struct network Network;
typedef struct row Row;

/* One running twin and its scenario. */
struct running {
    Network *network;
    const struct entity *entities;
    const double *laws, *bridge, *spared;
    uint64_t world;
    Row *row;
    double *twin;
    float *seen;
    int32_t *on_way;
};

typedef const struct running Running;

/* Normal draws: see twin_gym/sim/sync/normal.py. */

#define NUM_LAYERS 256
#define TAIL 3.6541528853610088
#define AREA 0.0049286732339746554
#define TAIL_DENSITY 0.0012602859304985976

static double ends[NUM_LAYERS + 1], densities[NUM_LAYERS + 1];

static void make_layers(void) {
    ends[0] = AREA / TAIL_DENSITY;
    ends[1] = TAIL;
    densities[0] = 0.0;
    densities[1] = TAIL_DENSITY;
    for (int64_t k = 2; k < NUM_LAYERS; k++) {
        densities[k] = densities[k - 1] + AREA / ends[k - 1];
        ends[k] = sqrt(-2.0 * natural_log(densities[k]));
    }
    ends[NUM_LAYERS] = 0.0;
    densities[NUM_LAYERS] = 1.0;
}

static inline double placed(uint64_t bits, int64_t layer) {
    return (double)((int64_t)bits >> 11) * 0x1p-52 * ends[layer];
}

static double beyond_tail(uint64_t bits, int64_t draw) {
    for (;; draw += 2) {
        double x = -natural_log(uniform(bits, 0, draw)) / TAIL;
        double y = -natural_log(uniform(bits, 0, draw + 1));
        if (y + y >= x * x) return TAIL + x;
    }
}

static double outside(uint64_t bits, int64_t layer, double value) {
    for (int64_t draw = 0;;) {
        if (layer == 0) return copysign(beyond_tail(bits, draw), value);
        double share = uniform(bits, 0, draw);
        double height = densities[layer] + share * (densities[layer + 1] - densities[layer]);
        if (natural_log(height) < -0.5 * value * value) return value;
        uint64_t again = mix(bits + GOLDEN * (uint64_t)(draw + 2));
        draw += 2;
        layer = (int64_t)(again & (NUM_LAYERS - 1));
        value = placed(again, layer);
        if (fabs(value) < ends[layer + 1]) return value;
    }
}

static inline double normal(uint64_t world, int64_t stream, int64_t index) {
    uint64_t bits = mix(world + GOLDEN * (((uint64_t)stream << 48) + (uint64_t)index + 1));
    int64_t layer = (int64_t)(bits & (NUM_LAYERS - 1));
    double value = placed(bits, layer);
    return fabs(value) < ends[layer + 1] ? value : outside(bits, layer, value);
}

/* What the world decides: see twin_gym/sim/sync/workload.py. */

static double normal_at(Running *run, const double *bridge, int64_t number, int64_t slot) {
    int64_t levels = run->network->num_levels, first = number * NODE_ROOM;
    int64_t stretch = INT64_C(1) << levels, node = 1;
    double left = run->entities[number].initial_sd * normal(run->world, VALUES, first);
    if (slot == 0) return left;
    double right = bridge[2 * levels] * left;
    right += bridge[2 * levels + 1] * normal(run->world, VALUES, first + stretch);
    if (slot == stretch) return right;
    for (int64_t level = 0; level < levels; level++) {
        stretch >>= 1;
        double middle = bridge[2 * level] * (left + right);
        middle += bridge[2 * level + 1] * normal(run->world, VALUES, first + node);
        if (slot == stretch) return middle;
        int64_t is_right = slot > stretch;
        slot -= stretch * is_right;
        node += node + is_right;
        left = is_right ? middle : left;
        right = is_right ? right : middle;
    }
    return left;
}

static double state_at(Running *run, const double *bridge, int64_t number, int64_t slot) {
    int64_t levels = run->network->num_levels, first = number * NODE_ROOM;
    int64_t stretch = INT64_C(1) << levels, node = 1;
    double left = uniform(run->world, VALUES, first) <= 0.5 ? 0.5 : -0.5;
    if (slot == 0) return left;
    double right = uniform(run->world, VALUES, first + stretch) <= bridge[2 * levels] ? -left : left;
    if (slot == stretch) return right;
    for (int64_t level = 0; level < levels; level++) {
        stretch >>= 1;
        double drawn = uniform(run->world, VALUES, first + node);
        int is_even = left != right;
        int differs = drawn <= (is_even ? 0.5 : bridge[2 * level]);
        double middle = differs != is_even ? -left : left;
        if (slot == stretch) return middle;
        int64_t is_right = slot > stretch;
        slot -= stretch * is_right;
        node += node + is_right;
        left = is_right ? middle : left;
        right = is_right ? right : middle;
    }
    return left;
}

static double value_at(Running *run, int64_t bridge_width, int64_t number, int64_t slot) {
    const double *bridge = run->bridge + number * bridge_width;
    if (run->entities[number].law == TWO_STATE) return state_at(run, bridge, number, slot);
    return normal_at(run, bridge, number, slot);
}

/* The rules. */

static void begin(Running *run, const struct batch *batch, int64_t bridge_width) {
    Row *row = run->row;
    int64_t count = run->network->num_entities, known = run->network->is_synchronised;
    memset(row, 0, sizeof(*row));
    row->budget_left = run->network->budget;
    row->known = known * count;
    for (int64_t k = 0; k < batch->on_way_width; k++) run->on_way[k] = -1;
    memset(run->twin, 0, (size_t)batch->twins_width * sizeof(double));
    for (int64_t i = 0; i < count; i++) {
        run->seen[RATE * count + i] = 0.0f;
        run->seen[CHANGE * count + i] = 0.5f;
        run->twin[IS_KNOWN * count + i] = (double)known;
        if (!known) continue;
        run->twin[SHRUNK * count + i] = 1.0;
        run->twin[VALUE * count + i] = value_at(run, bridge_width, i, 0);
    }
}

static inline void send(Running *run, int64_t chosen, int64_t slot) {
    run->row->step_updates = chosen >= 0;
    if (chosen < 0) return;
    run->row->updates++;
    double probability = run->entities[chosen].delivery * run->spared[1];
    int64_t period = run->network->delay_slots + 1;
    if (uniform(run->world, DELIVERY, slot * ENTITY_ROOM + chosen) <= probability)
        run->on_way[slot % period] = (int32_t)chosen;
}

static inline void learn(Running *run, int64_t number, int64_t slot, double value) {
    Network *network = run->network;
    Row *row = run->row;
    int64_t count = network->num_entities;
    double *own = run->twin + number, tolerance = network->tolerance;
    double born = (double)(slot - network->delay_slots), span = born - own[BORN * count];
    row->delivered++;
    row->peaks++;
    row->peak_sum += (int64_t)span + network->delay_slots;
    row->age_now -= (int64_t)span;
    if (own[IS_KNOWN * count] == 0.0) {
        own[IS_KNOWN * count] = 1.0;
        row->known++;
    } else if (span > 0.0) {
        double change = value - own[VALUE * count];
        double squares = own[SQUARES * count] + change * change;
        double spans = own[SPANS * count] + span;
        double turn = squares / spans * (double)count;
        double relative = change / (fabs(change) + tolerance);
        own[SQUARES * count] = squares;
        own[SPANS * count] = spans;
        run->seen[RATE * count + number] = (float)(turn / (turn + tolerance * tolerance));
        run->seen[CHANGE * count + number] = (float)(0.5 + 0.5 * relative);
    }
    double shrunk = 1.0;
    for (int64_t k = 0; k < network->delay_slots; k++)
        shrunk *= run->laws[DECAY * count + number];
    own[BORN * count] = born;
    own[VALUE * count] = value;
    own[SHRUNK * count] = shrunk;
}

static inline void expect(Running *run, int64_t slot) {
    int64_t count = run->network->num_entities;
    const double *laws = run->laws, *decays = laws + DECAY * count, *holds = laws + HOLD * count;
    const double *settled = laws + SETTLED * count, *growth = laws + GROWTH * count;
    double *twin = run->twin, *restrict shrunk = twin + SHRUNK * count;
    double *restrict errors = twin + ERROR * count, now = (double)slot;
    const double *born = twin + BORN * count, *values = twin + VALUE * count;
    for (int64_t i = 0; i < count; i++) {
        double left = shrunk[i] * decays[i];
        left = left > NOTHING_LEFT ? left : 0.0;
        shrunk[i] = left;
        double gap = holds[i] * (left - 1.0) * values[i];
        double variance = settled[i] * (1.0 - left * left) + growth[i] * (now - born[i]);
        errors[i] = variance + gap * gap;
    }
}

static inline void measure(Running *run) {
    int64_t count = run->network->num_entities, beyond = 0, i = 0;
    const double *errors = run->twin + ERROR * count, *weights = run->laws + WEIGHT * count;
    double limit = run->network->tolerance * run->network->tolerance, sums[8] = {0.0}, rest = 0.0;
    for (; i < count - 7; i += 8)
        for (int64_t k = 0; k < 8; k++) sums[k] += weights[i + k] * errors[i + k];
    for (; i < count; i++) rest += weights[i] * errors[i];
    for (i = 0; i < count; i++) beyond += errors[i] > limit;
    double first = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double second = (sums[4] + sums[5]) + (sums[6] + sums[7]);
    run->row->step_error = (first + second) + rest;
    run->row->error_sum += run->row->step_error;
    run->row->step_beyond = beyond;
    run->row->beyond_sum += beyond;
}

static void inspect(Running *run, int64_t bridge_width, int64_t slot) {
    Row *row = run->row;
    int64_t count = run->network->num_entities, accurate = 0;
    for (int64_t i = 0; i < count; i++) {
        const double *own = run->twin + i;
        if (own[IS_KNOWN * count] == 0.0) continue;
        double hold = run->laws[HOLD * count + i];
        double factor = hold + (1.0 - hold) * own[SHRUNK * count];
        double drift = own[SLOPE * count] * ((double)slot - own[BORN * count]);
        double predicted = own[VALUE * count] * factor + drift;
        double value = value_at(run, bridge_width, i, slot);
        accurate += fabs(value - predicted) <= run->network->tolerance;
    }
    row->inspections++;
    row->accurate += accurate;
    row->last_accurate = accurate;
}

static inline void run_slot(Running *run, int64_t bridge_width, int64_t chosen, int64_t slot) {
    Network *network = run->network;
    Row *row = run->row;
    int64_t sent = slot - network->delay_slots;
    send(run, chosen, slot);
    int32_t *arriving = &run->on_way[(slot + 1) % (network->delay_slots + 1)];
    if (sent >= 0 && *arriving >= 0) {
        learn(run, *arriving, slot, value_at(run, bridge_width, *arriving, sent));
        *arriving = -1;
    }
    row->age_now += network->num_entities;
    row->age_sum += row->age_now;
    expect(run, slot + 1);
    measure(run);
    if ((slot + 1) % network->inspection_slots == 0 || slot + 1 == network->num_slots)
        inspect(run, bridge_width, slot + 1);
}

/* What an agent sees and earns: see twin_gym/envs/right_time_sync. */

static inline void observe(Running *run, int64_t slot, float *restrict observation) {
    int64_t count = run->network->num_entities;
    const double *born = run->twin + BORN * count, *known = run->twin + IS_KNOWN * count;
    float scale = (float)count;
    for (int64_t i = 0; i < count; i++) {
        float age = (float)((double)slot - born[i]);
        observation[i] = age / (age + scale);
    }
    if (run->row->known < count)
        for (int64_t i = 0; i < count; i++)
            if (known[i] == 0.0) observation[i] = 1.0f;
    memcpy(observation + count, run->seen, 2 * (size_t)count * sizeof(float));
    observation[3 * count] = 1.0f;
    observation[3 * count + 1] = (float)((double)slot / (double)run->network->num_slots);
}

static inline void report(Running *run, const struct head *head, struct outcome *outcome) {
    Network *network = run->network;
    const Row *row = run->row;
    double beyond = (double)row->step_beyond / (double)network->num_entities;
    double excess = beyond - network->agreed_share;
    outcome->error = -row->step_error;
    outcome->updates = -network->update_cost * (double)row->step_updates;
    outcome->reward = outcome->error + outcome->updates;
    outcome->elapsed_s = network->slot_s;
    outcome->cost = MAX(excess, 0.0);
    outcome->truncated = head->is_over != 0;
}

static inline void step_row(const struct batch *batch, int64_t i, int64_t chosen) {
    struct head *head = &batch->heads[i];
    float *observation = batch->observations + i * batch->observations_width;
    struct running run = {
        batch->networks, batch->entities, batch->laws, batch->bridge, batch->spared, head->world,
        &batch->rows[i], batch->twins + i * batch->twins_width, batch->seen + i * batch->seen_width,
        batch->on_way + i * batch->on_way_width,
    };
    int64_t bridge_width = batch->bridge_width / run.network->num_entities;
    run_slot(&run, bridge_width, chosen, head->slot);
    head->slot++;
    head->is_over = head->slot >= run.network->num_slots;
    report(&run, head, &batch->outcomes[i]);
    observe(&run, head->slot, observation);
    if (head->is_over) {
        memcpy(batch->final_observations + i * batch->observations_width, observation,
               (size_t)batch->observations_width * sizeof(float));
        head->episode++;
        head->world = run.world = world_key(head->seed, head->episode);
        head->slot = head->is_over = 0;
        begin(&run, batch, bridge_width);
        observe(&run, 0, observation);
    }
}

/* `steps` slots of all rows; slot j takes row j modulo `num_choices` of the picks. */
void step_many(const struct batch *batch, const int64_t *picks, int64_t num_choices,
               int64_t steps) {
    make_layers();
    for (int64_t j = 0; j < steps; j++) {
        const int64_t *chosen = picks + (j % num_choices) * batch->num_rows;
        for (int64_t i = 0; i < batch->num_rows; i++) step_row(batch, i, chosen[i]);
    }
}
