# Reads lines "day-number date" and writes the calls of each day as CSV. The same day always gives the same calls: the
# random generator below is seeded by the day. The built-in generator differs between versions of awk.
# The calls have no amounts: the price book prices them, except one model that is too new.

function random() {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
}

# A realistic distribution of token counts: few small, many medium, some large.
function tokens(least, typical) {
    return least + int(typical * (random() + random() * random() * 3))
}

function model(name, share, prompt, completion) {
    models++
    model_name[models] = name
    model_share[models] = share
    model_prompt[models] = prompt
    model_completion[models] = completion
}

function pick(    draw, index_) {
    draw = random()
    for (index_ = 1; index_ < models; index_++) {
        draw -= model_share[index_]
        if (draw < 0)
            return index_
    }
    return models
}

BEGIN {
    people = split(users, person, " ")
    tasks = split("Summarise thread;Plan the week;Triage tickets;Draft a reply;Review a change;Write release notes;Find duplicates;Translate", task, ";")
    model("claude-sonnet-4-20250514", 0.42, 2400, 420)
    model("claude-3-5-haiku-20241022", 0.277, 1500, 260)
    model("claude-opus-4-20250514", 0.03, 2100, 380)
    model("gpt-4o", 0.12, 1800, 350)
    model("gpt-5-preview", 0.003, 1800, 350)
    model("gpt-4o-mini", 0.15, 1300, 300)
}

{
    seed = ($1 * 7919 + 104729) % 2147483646 + 1
    random(); random(); random()
    weekday = ($1 + 4) % 7
    calls = (weekday == 0 || weekday == 6) ? 18 + int(random() * 14) : 105 + int(random() * 45)
    for (call = 1; call <= calls; call++) {
        # The exponent favours the first names: some people call often, others rarely.
        user = person[1 + int(people * random() ^ 1.3)]
        chosen = pick()
        prompt = tokens(120, model_prompt[chosen])
        completion = tokens(8, model_completion[chosen])
        # Long conversations continue, and the provider's cache has their beginning.
        cached = random() < 0.3 ? int(prompt * 0.6) : 0
        second = 7 * 3600 + int(12 * 3600 * (random() + random()) / 2)
        printf "%s,call-%s-%03d,%s,%d,%d,%d,%s,%sT%02d:%02d:%02dZ\n",
            user, $2, call, model_name[chosen], prompt, completion, cached,
            task[1 + int(tasks * random())], $2, int(second / 3600), int(second / 60) % 60, second % 60
    }
}
