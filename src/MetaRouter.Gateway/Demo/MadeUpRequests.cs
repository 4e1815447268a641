using System.Globalization;

namespace MetaRouter.Gateway.Demo;

/// <summary>
/// Requests of the kinds people send, with names and numbers put in by chance. Some every model gets right and some only the best, and most are of kinds the shipped snapshot has met:
/// if the predictor saw all requests as alike, choosing by request would gain nothing.
/// </summary>
internal static class MadeUpRequests
{
    private static readonly string[] s_forms =
    [
        "What is {0} times {1}?",
        "Translate into French: 'The train to {2} leaves at {0} o'clock.'",
        "Give me three names for a bakery in {2}.",
        "A train leaves {2} at {0} km/h and another follows {1} minutes later at twice the speed. When does the second catch up, and where? Show each step.",
        "Write a SQL query that gives, for each customer, the {0} largest orders of the last {1} days, ties included, without window functions.",
        "Which of the following is a property of a first-order reaction with a rate constant of 0.{0} per second? Explain why the others are not: "
            + "(A) its half-life depends on concentration (B) its half-life is constant (C) it is complete after {1} s (D) its rate does not change",
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
        "Janet's bakery in {2} sells {0} loaves every morning for $3 each and {1} rolls every afternoon for $2 each. She pays $25 a day for flour. How many dollars does she earn in a week?",
        "A store sells pencils in packs of {0} and pens in packs of {1}. If Tom buys 3 packs of each and gives 5 pencils to his sister, how many pens and pencils does he have left?",
        "Mary reads {0} pages a day from Monday to Friday and {1} pages on Saturday and on Sunday. How many pages does she read in 4 weeks?",
        "A farmer has {0} cows and twice as many sheep. Each cow eats {1} pounds of hay a week and each sheep eats half as much. How many pounds of hay does he need for 6 weeks?",
        "A company has fixed costs of ${1},000, a price of $17 per unit and variable costs of $9 per unit. How many units must it sell to break even?",
        "A school bus carries {0} students on each of 4 trips, and {1} more students walk. If a third of all students bring lunch from home, how many do not?",
        "Which of the following statements about enzyme inhibition is correct? (A) A competitive inhibitor lowers Vmax (B) A competitive inhibitor "
            + "raises the apparent Km (C) A noncompetitive inhibitor raises the apparent Km (D) An uncompetitive inhibitor leaves Km unchanged",
        "Let G be a finite group of order {0}. Which of the following must be true? (A) G is abelian (B) G is cyclic (C) G is solvable (D) None of the above. Explain your reasoning.",
        "A solution contains 0.{0} M acetic acid and 0.{1} M sodium acetate. Given Ka = 1.8e-5, calculate the pH of the buffer after adding 10 mL of 0.1 M HCl.",
        "An electron moves in a magnetic field of 0.{0} T with a velocity of 4.2e6 m/s perpendicular to the field. Calculate the radius of its circular path.",
        "Find the sum of all positive integers n less than {1} such that n squared plus {0} is divisible by 5.",
        "There are 5 houses in a row, numbered 1 to 5 from left to right. Each house is occupied by a different person: Alice, Bob, Carol, Eric, Arnold. "
            + "The person who drinks tea is directly left of the person who likes milk. Eric is in the third house. Bob drinks coffee. Who lives in the first house?",
        "In a random sample of {1} students, the mean score was 75 with a standard deviation of {0}. Construct a 95 percent confidence interval for the population mean.",
        "Write a function in Python that takes a list of integers and returns the length of the longest increasing subsequence.",
        "What is the present value of ${1},000 to be received in {0} years if the discount rate is 8 percent compounded annually?",
        "Who was the first president of the United States?",
    ];

    private static readonly string[] s_places = ["Turin", "Lagos", "Osaka", "Quito", "Tartu", "Bergen", "Pune", "Lima"];

    public static DemoRequest Next(Random random) => new(
        string.Format(CultureInfo.InvariantCulture, s_forms[random.Next(s_forms.Length)], random.Next(2, 40), random.Next(2, 90), s_places[random.Next(s_places.Length)]), null);
}
