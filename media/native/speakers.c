/* What media/core/speakers.py's smooth() does with the audio levels since the last evaluation. */
#include "inside.h"

/* Move the averages of rows 0..count-1 on; returns how many began or ceased to speak. */
int64_t balie_smooth(struct balie_levels *levels, int64_t count, double smoothing, double starts_at, double stops_at)
{
    int64_t changed = 0;
    for (struct balie_levels *l = levels; l < levels + count; l++) {
        int64_t heard = l->packets > 1 ? l->packets : 1;
        double level = l->packets > 0 ? (double)l->level_sum / heard : 127.0;
        l->share += smoothing * ((double)l->loud / heard - l->share);
        l->quietness += smoothing * (level - l->quietness);
        l->packets = l->loud = l->level_sum = 0;
        int speaking = l->share >= (l->speaking ? stops_at : starts_at);
        changed += speaking != l->speaking;
        l->speaking = speaking;
    }
    return changed;
}
