/* The rules of massive access as a plain C loop: see twin_gym/sim/access/kernel.py.

   It works on the arrays of the compiled kernel itself, with the same draws, the same order of
   floating-point operations and the same observations, so that the two must agree to the last bit.
   It knows the objective `balanced` alone, takes barring probabilities instead of levels, and leaves
   the indicators of an ended episode to its caller.

   layout.h is written by the caller from the NumPy record types: struct network, head, row, device,
   outcome, batch. */

#include <math.h>

#include "draws.h"
#include "layout.h"

#define HISTORY ((int64_t)(sizeof(((struct row *)0)->success_history) / sizeof(int64_t)))
#define PREAMBLES ((int64_t)(sizeof(((struct row *)0)->uses) / sizeof(int64_t)))

enum { BETA = 0 };
enum { ARRIVAL = 0, BURST = 1, BARRING = 2, PREAMBLE = 3, BACKOFF = 4 };
enum { DEVICE_ROOM = 1 << 15, TRY_ROOM = 1 << 8, SAMPLE = 6 };
enum { SENDER_SHIFT = 6, PREAMBLE_MASK = (1 << SENDER_SHIFT) - 1 };

typedef const struct network Network;
typedef struct row Row;
typedef struct device Device;

/* What the world decides: see twin_gym/sim/access/workload.py. */

static inline double third_smallest(uint64_t world, int64_t device) {
    double first = 2.0, second = 2.0, third = 2.0;
    for (int64_t j = 0; j < SAMPLE; j++) {
        double drawn = uniform(world, ARRIVAL, device * SAMPLE + j);
        if (drawn < first) {
            third = second;
            second = first;
            first = drawn;
        } else if (drawn < second) {
            third = second;
            second = drawn;
        } else if (drawn < third) {
            third = drawn;
        }
    }
    return third;
}

static int64_t joining_opportunity(Network *network, uint64_t world, int64_t device) {
    double share;
    if (network->law == BETA) {
        share = third_smallest(world, device);
    } else if (device < network->burst_devices) {
        int64_t burst = device % network->bursts;
        share = ((double)burst + uniform(world, BURST, burst)) / (double)network->bursts;
    } else {
        share = uniform(world, ARRIVAL, device * SAMPLE);
    }
    int64_t slot = (int64_t)ceil(share * network->window) - 1;
    return MIN(MAX(slot, 0), network->num_opportunities - 1);
}

static inline int64_t preamble_drawn(Network *network, uint64_t world, int64_t device,
                                     int64_t tries) {
    double drawn = uniform(world, PREAMBLE, device * TRY_ROOM + tries);
    return (int64_t)ceil(drawn * (double)network->preambles) - 1;
}

static inline int64_t backoff_drawn(Network *network, uint64_t world, int64_t device,
                                    int64_t tries) {
    int64_t drawn =
        (int64_t)ceil(uniform(world, BACKOFF, device * TRY_ROOM + tries) * network->backoff);
    return MAX(drawn, 1);
}

/* The rules. */

static void begin(Network *network, uint64_t world, Row *row, Device *devices, int32_t *senders,
                  int32_t *delays) {
    size_t bytes = (size_t)network->num_opportunities * sizeof(int32_t);
    memset(delays, 0, bytes);
    for (int64_t device = 0; device < network->num_devices; device++) {
        int64_t slot = joining_opportunity(network, world, device);
        senders[device] = (int32_t)slot;
        delays[slot]++;
    }
    int32_t first = 0;
    for (int64_t slot = 0; slot < network->num_opportunities; slot++) {
        int32_t number = delays[slot];
        delays[slot] = first;
        first += number;
    }
    for (int64_t number = 0; number < network->num_devices; number++) {
        int32_t slot = senders[number];
        devices[delays[slot]++] = (Device){(int32_t)number, slot, slot, 0};
    }
    memset(delays, 0, bytes);
    memset(row, 0, sizeof(*row));
    row->last_success = -1;
    row->barring = 1.0;
}

static inline void join(Network *network, Row *row, Device *devices, int64_t slot) {
    int64_t arrived = row->num_arrived, waiting = row->num_waiting;
    while (arrived < network->num_devices && devices[arrived].joined == slot)
        devices[waiting++] = devices[arrived++];
    row->num_arrived = arrived;
    row->num_waiting = waiting;
}

static inline int64_t send(Network *network, uint64_t world, const Row *row,
                           const Device *devices, int32_t *senders, int64_t slot,
                           double barring) {
    int64_t num_senders = 0, waiting = row->num_waiting;
    for (int64_t k = 0; k < waiting; k++) {
        if (devices[k].ready > slot) continue;
        int64_t number = devices[k].number;
        if (barring < 1.0 && uniform(world, BARRING, slot * DEVICE_ROOM + number) > barring)
            continue;
        int64_t preamble = preamble_drawn(network, world, number, devices[k].tries);
        senders[num_senders++] = (int32_t)((k << SENDER_SHIFT) + preamble);
    }
    return num_senders;
}

static inline int64_t count(Row *row, const int32_t *senders, int64_t num_senders) {
    int64_t used = 0, collided = 0;
    for (int64_t i = 0; i < num_senders; i++) {
        int64_t uses = row->uses[senders[i] & PREAMBLE_MASK]++;
        used += uses == 0;
        collided += uses == 1;
    }
    row->attempts += num_senders;
    row->used += used;
    row->collided += collided;
    row->step_successes = used - collided;
    return collided;
}

static inline void answer(Network *network, uint64_t world, Row *row, Device *devices,
                          const int32_t *senders, int32_t *delays, int64_t slot,
                          int64_t num_senders) {
    int64_t waiting = row->num_waiting, lost = 0;
    for (int64_t i = num_senders - 1; i >= 0; i--) {
        Device *device = &devices[senders[i] >> SENDER_SHIFT];
        if (row->uses[senders[i] & PREAMBLE_MASK] == 1) {
            int64_t delay = slot - device->joined;
            delays[delay]++;
            row->waited += delay;
        } else {
            int32_t tries = ++device->tries;
            if (tries < network->max_tries) {
                device->ready =
                    (int32_t)(slot + backoff_drawn(network, world, device->number, tries));
                continue;
            }
            lost++;
        }
        *device = devices[--waiting];
    }
    for (int64_t i = 0; i < num_senders; i++) row->uses[senders[i] & PREAMBLE_MASK] = 0;
    row->num_waiting = waiting;
    row->step_lost = lost;
    row->lost += lost;
    row->succeeded += row->step_successes;
    if (row->step_successes > 0) row->last_success = slot;
}

static inline void run_opportunity(Network *network, uint64_t world, Row *row, Device *devices,
                                   int32_t *senders, int32_t *delays, int64_t slot,
                                   double barring) {
    join(network, row, devices, slot);
    int64_t num_senders = send(network, world, row, devices, senders, slot, barring);
    int64_t collisions = count(row, senders, num_senders);
    answer(network, world, row, devices, senders, delays, slot, num_senders);
    row->success_history[slot & (HISTORY - 1)] = row->step_successes;
    row->collision_history[slot & (HISTORY - 1)] = collisions;
    row->barring = barring;
    row->barred += barring;
}

/* What an agent sees and earns: see twin_gym/envs/massive_access. */

static inline void observe(Network *network, const Row *row, int64_t slot, float *observation) {
    double scale = 1.0 / (double)network->preambles;
    for (int64_t age = 0; age < HISTORY; age++) {
        int64_t place = (slot - 1 - age) & (HISTORY - 1);
        double is_known = age < slot;
        double successes = (double)row->success_history[place] * scale * is_known;
        double collisions = (double)row->collision_history[place] * scale * is_known;
        double idle = is_known - successes - collisions;
        observation[age] = (float)successes;
        observation[HISTORY + age] = (float)collisions;
        observation[2 * HISTORY + age] = (float)MAX(idle, 0.0);
    }
    double depth = 1.0;
    if (row->barring > 0.0) {
        depth = natural_log(row->barring) / network->log_least_barring;
        depth = MIN(depth, 1.0);
    }
    observation[3 * HISTORY] = (float)row->barring;
    observation[3 * HISTORY + 1] = (float)MAX(depth, 0.0);
    observation[3 * HISTORY + 2] = (float)((double)slot / (double)network->num_opportunities);
}

static inline void report(Network *network, const struct head *head, const Row *row,
                          struct outcome *outcome) {
    outcome->throughput = (double)row->step_successes / network->best;
    outcome->delay = -network->delay_price * (double)row->num_waiting;
    outcome->reward = outcome->throughput + outcome->delay;
    outcome->elapsed_s = network->slot_s;
    outcome->cost = (double)row->step_lost;
    outcome->truncated = head->is_over != 0;
}

static inline void step_row(const struct batch *batch, int64_t i, double barring) {
    Network *network = batch->networks;
    struct head *head = &batch->heads[i];
    Row *row = &batch->rows[i];
    Device *devices = batch->devices + i * batch->devices_width;
    int32_t *senders = batch->senders + i * batch->senders_width;
    int32_t *delays = batch->delays + i * batch->delays_width;
    float *observation = batch->observations + i * batch->observations_width;
    run_opportunity(network, head->world, row, devices, senders, delays, head->slot, barring);
    head->slot++;
    head->is_over = head->slot >= network->num_opportunities;
    report(network, head, row, &batch->outcomes[i]);
    observe(network, row, head->slot, observation);
    if (head->is_over) {
        memcpy(batch->final_observations + i * batch->observations_width, observation,
               (size_t)batch->observations_width * sizeof(float));
        head->episode++;
        head->world = world_key(head->seed, head->episode);
        head->slot = head->is_over = 0;
        begin(network, head->world, row, devices, senders, delays);
        observe(network, row, 0, observation);
    }
}

/* `steps` steps of all rows; step j takes row j modulo `num_choices` of the probabilities. */
void step_many(const struct batch *batch, const double *barring, int64_t num_choices,
               int64_t steps) {
    for (int64_t j = 0; j < steps; j++) {
        const double *chosen = barring + (j % num_choices) * batch->num_rows;
        for (int64_t i = 0; i < batch->num_rows; i++) step_row(batch, i, chosen[i]);
    }
}
