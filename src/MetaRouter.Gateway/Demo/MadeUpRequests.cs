using System.Globalization;

namespace MetaRouter.Gateway.Demo;

/// <summary>Requests of the kinds people send, easy and hard, with names and numbers put in by chance.</summary>
internal static class MadeUpRequests
{
    private static readonly string[] s_forms =
    [
        "What is {0} times {1}?",
        "Translate into French: 'The train to {2} leaves at {0} o'clock.'",
        "Give me three names for a bakery in {2}.",
        "A train leaves {2} at {0} km/h and another follows {1} minutes later at twice the speed. When does the second catch up, and where? Show each step.",
        "Write a SQL query that gives, for each customer, the {0} largest orders of the last {1} days, ties included, without window functions.",
        "Which of the following is a property of a first-order reaction with a rate constant of 0.{0} per second? Explain why the others are not: (A) its half-life depends on concentration (B) its half-life is constant (C) it is complete after {1} s (D) its rate does not change",
        "Summarise in one sentence: the meeting in {2} was moved from {0} March to {1} March because the hall is being painted.",
        "Prove that the sum of the first {0} odd numbers is {0} squared, then generalise the proof to sums of cubes.",
        "Why does this C# loop never end? for (uint i = {0}; i >= 0; i--) sum += i;",
        "Is {0}{1} a prime number? Justify your answer.",
        "Who wrote the novel Middlemarch?",
        "Write a polite e-mail that asks the landlord in {2} to repair the heating, which has been broken for {0} days.",
        "An ideal gas of {0} mol at {1}00 K expands isothermally to three times its volume. How much work does it do, and how does its entropy change? Derive both.",
        "Turn this list into a table: apples {0}, pears {1}, plums {0}.",
        "A patient of {1} years takes warfarin and is prescribed an azole antifungal. What happens to the INR, by which enzyme, and how should the dose be changed?",
        "Implement a lock-free bounded queue of capacity {0} for many producers and one consumer in C++, and argue why it cannot lose an element.",
        "What is the capital of Australia?",
        "Under common law, may a seller in {2} revoke an offer that was promised to stay open for {0} days without consideration? Discuss the exceptions.",
        "Rewrite in plain words: 'Pursuant to section {0}, the lessee shall remit the aforementioned sum.'",
        "Compute the determinant of the matrix [[{0}, 2, 1], [4, {1}, 3], [5, 6, {0}]] and say for which values of the middle entry it is singular.",
        "Name the planets in the order of their distance from the sun.",
        "A firm's demand is P = {1}0 - {0}Q and its marginal cost is 6. Find the monopoly price, the deadweight loss, and the tax that would correct it.",
        "Fix the grammar: 'Him and me goes to {2} on next week.'",
        "Given a stream of numbers of unknown length, keep the median of the last {0} in O(log n) a number. Give the data structure and prove its bound.",
    ];

    private static readonly string[] s_places = ["Turin", "Lagos", "Osaka", "Quito", "Tartu", "Bergen", "Pune", "Lima"];

    public static DemoRequest Next(Random random) => new(
        string.Format(CultureInfo.InvariantCulture, s_forms[random.Next(s_forms.Length)], random.Next(2, 40), random.Next(2, 90), s_places[random.Next(s_places.Length)]), null);
}
