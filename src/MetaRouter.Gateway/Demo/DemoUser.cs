using MetaRouter.Core.Preferences;

namespace MetaRouter.Gateway.Demo;

/// <summary>One simulated user.</summary>
/// <param name="Id">The user id that the gateway sees.</param>
/// <param name="Preference">What the router does not see.</param>
internal sealed record DemoUser(string Id, HiddenPreference Preference)
{
    private static readonly string[] s_names =
    [
        "ada", "alan", "amalie", "barbara", "blaise", "carl", "cecilia", "chien", "claude", "dorothy",
        "edsger", "emmy", "enrico", "erwin", "evelyn", "florence", "frances", "gottfried", "grace", "hedy",
        "henri", "hypatia", "isaac", "james", "jean", "joan", "johannes", "john", "karen", "katherine", "kurt", "leonhard", "lise", "lynn", "marie", "maria", "mary", "max", "michael", "niels",
        "noor", "paul", "radia", "richard", "rosalind", "sofia", "srinivasa", "tycho", "vera", "wilhelm",
    ];

    public int Requests { get; set; }

    /// <summary>From demanding, who gladly pay for the dearest model, to thrifty, who never would: lambda log-uniform in [0.02, 5], spread evenly so that few users show it too.</summary>
    public static DemoUser[] Make(int count, Random random)
    {
        var (users, place) = (new DemoUser[count], Enumerable.Range(0, count).ToArray());
        random.Shuffle(place);
        for (var i = 0; i < count; i++)
        {
            var lambda = 0.02 * Math.Pow(250, (place[i] + random.NextDouble()) / count);
            users[i] = new(i < s_names.Length ? s_names[i] : FormattableString.Invariant($"{s_names[i % s_names.Length]}-{i / s_names.Length + 1}"), new HiddenPreference(lambda));
        }

        return users;
    }
}
