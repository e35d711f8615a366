/* The rules of slice admission as a plain C loop: what a compiler makes of them at its best.

   It works on the arrays of the compiled kernel itself, with the same draws, the same order of
   floating-point operations and the same observations, so that the two must agree to the last bit.
   It knows what the preset `contention` needs and no more: Poisson arrivals, exponential holding
   times, fixed patience, one scenario, the `slice` action, the revenue as reward.

   layout.h is written by the caller from the NumPy record types: struct network, lens, row, entry,
   outcome, batch. */

#include "draws.h"
#include "layout.h"

#define NEVER ((INT64_C(1) << 57) - 1)
#define NEVER_EVENT ((NEVER << 6) + 63)
#define NO_SLICE 62
#define SLICES ((int64_t)(sizeof(DEMAND) / sizeof(DEMAND[0])))
#define RESOURCES ((int64_t)(sizeof(DEMAND[0]) / sizeof(DEMAND[0][0])))
#define DEMAND (((struct network *)0)->demand)

enum { DEPARTURE = 0, TIMEOUT = 16, ARRIVAL = 32 };
enum { GAP = 0, HOLDING = 1, PURPOSES = 4 };

typedef const struct network Network;
typedef struct row Row;
typedef struct entry Entry;

static inline int64_t to_ticks(double duration_s) {
    double ticks = duration_s * 1e9;
    return ticks >= (double)NEVER ? NEVER : (int64_t)(ticks + 0.5);
}

static inline int64_t later(int64_t now, int64_t ticks) { return MIN(now + ticks, NEVER); }

static inline int64_t arrival_after(Network *network, const Row *row, int64_t s, int64_t tick,
                                    int64_t request) {
    double hazard = unit_exponential(row->world, s * PURPOSES + GAP, request);
    return later(tick, to_ticks(hazard * network->mean_gap_s[s]));
}

static inline int64_t holding_ticks(Network *network, const Row *row, int64_t s,
                                    int64_t request) {
    double factor = unit_exponential(row->world, s * PURPOSES + HOLDING, request);
    return MAX(to_ticks(factor * network->mean_holding_s[s]), 1);
}

/* The heap of departures: see twin_gym/sim/admission/heap.py. */

static inline void push(int64_t *heap, int64_t size, int64_t event) {
    int64_t place = size;
    while (place > 0) {
        int64_t parent = (place - 1) >> 1;
        if (heap[parent] <= event) break;
        heap[place] = heap[parent];
        place = parent;
    }
    heap[place] = event;
}

static inline void pop(int64_t *heap, int64_t size) {
    int64_t last = heap[--size], place = 0, child = 1;
    while (child < size) {
        child += heap[child + 1] < heap[child];
        if (last <= heap[child]) break;
        heap[place] = heap[child];
        place = child;
        child = 2 * place + 1;
    }
    heap[place] = last;
    heap[size] = NEVER_EVENT;
}

/* The rules: see twin_gym/sim/admission/kernel.py. */

static inline int64_t fitting_slices(Network *network, const Row *row) {
    int64_t fitting = 0;
    for (int64_t s = 0; s < SLICES; s++) {
        int64_t fits = 1;
        for (int64_t k = 0; k < RESOURCES; k++) fits &= row->free[k] >= network->demand[s][k];
        fitting |= fits << s;
    }
    return fitting;
}

static inline void forget_last_step(Row *row) {
    row->elapsed = 0;
    row->revenue = row->penalty = row->carried = row->fairness = row->cost = 0.0;
}

static void begin(Network *network, Row *row, int64_t *departures, int64_t service_places) {
    row->world = world_key(row->seed, row->episode);
    row->network = row->trace_offset = row->now = row->is_over = row->num_in_service = 0;
    row->pending = NO_SLICE;
    row->waiting = row->disallowed = 0;
    row->carried_share = 0.0;
    for (int64_t j = 0; j < service_places; j++) departures[j] = NEVER_EVENT;
    for (int64_t k = 0; k < network->num_resources; k++) row->free[k] = network->capacity[k];
    for (int64_t s = 0; s < SLICES; s++) {
        row->next_arrival[s] = row->next_timeout[s] = NEVER_EVENT;
        row->in_service[s] = row->queue_head[s] = row->queue_length[s] = row->oldest[s] = 0;
        row->offered[s] = row->admitted[s] = row->blocked[s] = row->expired[s] = 0;
        row->declined[s] = row->waited[s] = row->busy[s] = 0;
    }
    for (int64_t s = 0; s < network->num_slices; s++) {
        int64_t tick = arrival_after(network, row, s, 0, 0);
        row->next_arrival[s] = (tick << 6) + ARRIVAL + s;
        row->following_arrival[s] = arrival_after(network, row, s, tick, 1);
    }
    row->fitting = fitting_slices(network, row);
    forget_last_step(row);
}

static inline void lose(Network *network, Row *row, int64_t s) {
    row->penalty += network->lost_penalty[s];
    int64_t lost = row->blocked[s] + row->expired[s] + row->declined[s];
    row->cost += (double)((double)lost > network->agreed_loss_ratio[s] * (double)row->offered[s]);
}

static inline void join_queue(Network *network, Row *row, Entry *queue, int64_t s,
                              int64_t arrival, int64_t expiry, int64_t holding) {
    int64_t tail = (row->queue_head[s] + row->queue_length[s]) & network->queue_mask[s];
    Entry *entry = &queue[network->queue_start[s] + tail];
    entry->arrival = arrival;
    entry->expiry = expiry;
    entry->holding = holding;
    if (row->queue_length[s] == 0) {
        row->oldest[s] = arrival;
        row->oldest_holding[s] = holding;
    }
    row->queue_length[s]++;
    row->waiting |= INT64_C(1) << s;
}

static inline void leave_queue(Network *network, Row *row, Entry *queue, int64_t s) {
    int64_t head = (row->queue_head[s] + 1) & network->queue_mask[s];
    row->queue_head[s] = head;
    if (--row->queue_length[s] == 0) {
        row->waiting &= ~(INT64_C(1) << s);
        row->next_timeout[s] = NEVER_EVENT;
        return;
    }
    const Entry *entry = &queue[network->queue_start[s] + head];
    row->oldest[s] = entry->arrival;
    row->oldest_holding[s] = entry->holding;
    row->next_timeout[s] = (entry->expiry << 6) + TIMEOUT + s;
}

static inline void admit(Network *network, Row *row, Entry *queue, int64_t *departures,
                         int64_t s) {
    row->waited[s] += row->now - row->oldest[s];
    int64_t end = later(row->now, row->oldest_holding[s]);
    push(departures, row->num_in_service, (end << 6) + s);
    row->num_in_service++;
    row->busy[s] += MIN(end, network->horizon) - row->now;
    leave_queue(network, row, queue, s);
    row->in_service[s]++;
    row->carried_share += network->share[s];
    for (int64_t k = 0; k < RESOURCES; k++) row->free[k] -= network->demand[s][k];
    row->fitting = fitting_slices(network, row);
    row->admitted[s]++;
    row->revenue += network->revenue[s];
    row->fairness += 1.0 / (double)(network->num_slices * row->admitted[s]);
    if (row->pending == s) row->pending = NO_SLICE;
}

static inline void depart(Network *network, Row *row, int64_t *departures, int64_t s) {
    pop(departures, row->num_in_service);
    row->num_in_service--;
    row->in_service[s]--;
    row->carried_share -= network->share[s];
    for (int64_t k = 0; k < RESOURCES; k++) row->free[k] += network->demand[s][k];
    row->fitting = fitting_slices(network, row);
}

static inline void arrive(Network *network, Row *row, Entry *queue, int64_t s, int64_t tick) {
    int64_t request = row->offered[s]++;
    int64_t following = row->following_arrival[s];
    row->next_arrival[s] = (following << 6) + ARRIVAL + s;
    row->following_arrival[s] = arrival_after(network, row, s, following, request + 2);
    int64_t limit = network->queue_limit[s], fits = row->fitting >> s & 1;
    if (row->queue_length[s] >= MAX(limit, fits)) {
        row->blocked[s]++;
        lose(network, row, s);
        return;
    }
    int64_t holding = holding_ticks(network, row, s, request), expiry = NEVER;
    if (limit == 0) {
        row->pending = s;
    } else {
        expiry = later(tick, to_ticks(network->mean_patience_s[s]));
        int64_t event = (expiry << 6) + TIMEOUT + s;
        row->next_timeout[s] = MIN(row->next_timeout[s], event);
    }
    join_queue(network, row, queue, s, tick, expiry, holding);
}

static inline void pass_time(Row *row, int64_t tick) {
    int64_t ticks = tick - row->now;
    row->carried += row->carried_share * ((double)ticks * 1e-9);
    row->elapsed += ticks;
    row->now = tick;
}

static inline int64_t next_event(const Row *row, const int64_t *departures) {
    int64_t event = departures[0];
    for (int64_t s = 0; s < SLICES; s++) {
        int64_t earlier = MIN(row->next_arrival[s], row->next_timeout[s]);
        event = MIN(event, earlier);
    }
    return event;
}

static void run_to_decision(Network *network, Row *row, Entry *queue, int64_t *departures) {
    if (row->pending != NO_SLICE) {
        int64_t s = row->pending;
        row->pending = NO_SLICE;
        leave_queue(network, row, queue, s);
        row->declined[s]++;
        lose(network, row, s);
    }
    do {
        int64_t event = next_event(row, departures), tick = event >> 6, s = event & 15;
        if (tick >= network->horizon) {
            pass_time(row, network->horizon);
            row->is_over = 1;
            return;
        }
        pass_time(row, tick);
        if ((event & 48) == DEPARTURE) {
            depart(network, row, departures, s);
        } else if ((event & 48) == ARRIVAL) {
            arrive(network, row, queue, s, tick);
        } else {
            leave_queue(network, row, queue, s);
            row->expired[s]++;
            lose(network, row, s);
        }
    } while (!(row->waiting & row->fitting));
}

static inline void observe(Network *network, const struct lens *lens, const Row *row,
                           float *observation, int8_t *mask) {
    int64_t slices = network->num_slices, resources = network->num_resources;
    for (int64_t k = 0; k < resources; k++)
        observation[k] = (float)((double)row->free[k] * lens->free[k]);
    float *at = observation + resources;
    int64_t admissible = row->waiting & row->fitting;
    for (int64_t s = 0; s < slices; s++) {
        int8_t allowed = admissible >> s & 1;
        double left = 1.0 - (double)(row->now - row->oldest[s]) * lens->patience[s];
        at[s] = (float)((double)row->in_service[s] * lens->in_service[s]);
        at[slices + s] = (float)((double)row->queue_length[s] * lens->queue_length[s]);
        at[2 * slices + s] = row->waiting >> s & 1 ? (float)MAX(left, 0.0) : 0.0f;
        at[3 * slices + s] = allowed;
        mask[s] = allowed;
    }
}

static inline void report(const Row *row, struct outcome *outcome) {
    outcome->reward = outcome->revenue = row->revenue - row->penalty;
    outcome->utilisation = row->carried;
    outcome->fairness = row->fairness;
    outcome->elapsed_s = (double)row->elapsed * 1e-9;
    outcome->cost = row->cost;
    outcome->disallowed_actions = row->disallowed;
    outcome->truncated = row->is_over != 0;
}

static inline void step_row(const struct batch *batch, int64_t i, int64_t action) {
    Row *row = &batch->rows[i];
    Entry *queue = batch->queues + i * batch->queues_width;
    int64_t *departures = batch->departures + i * batch->departures_width;
    float *observation = batch->observations + i * batch->observations_width;
    int8_t *mask = batch->masks + i * batch->masks_width;
    Network *network = batch->networks;
    forget_last_step(row);
    int64_t goes_on = 1;
    if ((row->waiting & row->fitting) >> action & 1) {
        admit(network, row, queue, departures, action);
        goes_on = !(row->waiting & row->fitting);
    } else {
        row->disallowed += action < network->num_slices;
    }
    if (goes_on) run_to_decision(network, row, queue, departures);
    report(row, &batch->outcomes[i]);
    observe(network, batch->lenses, row, observation, mask);
    if (row->is_over) {
        batch->final_rows[i] = *row;
        memcpy(batch->final_observations + i * batch->observations_width, observation,
               (size_t)batch->observations_width * sizeof(float));
        row->episode++;
        begin(network, row, departures, batch->departures_width);
        run_to_decision(network, row, queue, departures);
        observe(network, batch->lenses, row, observation, mask);
    }
}

/* `steps` steps of all rows; step j takes row j modulo `num_choices` of the actions. */
void step_many(const struct batch *batch, const int64_t *actions, int64_t num_choices,
               int64_t steps) {
    for (int64_t j = 0; j < steps; j++) {
        const int64_t *chosen = actions + (j % num_choices) * batch->num_rows;
        for (int64_t i = 0; i < batch->num_rows; i++) step_row(batch, i, chosen[i]);
    }
}
