using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

public class IdentityHashTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void Compute_SameIdentity_SameHash() => IdentityHash.Compute(Secret, "acme", "ann").ShouldBe(IdentityHash.Compute(Secret, "acme", "ann"));

    [Fact]
    public void Compute_AnyPartChanged_AnotherHash()
    {
        ulong[] hashes =
        [
            IdentityHash.Compute(Secret, "acme", "ann"),
            IdentityHash.Compute(Secret, "acm", "eann"),
            IdentityHash.Compute(Secret, "acme", "bob"),
            IdentityHash.Compute(Secret, "other", "ann"),
            IdentityHash.Compute(Secret, "acme", ""),
            IdentityHash.Compute(Secret, "acme"),
            IdentityHash.Compute(Secret.AsSpan(1), "acme", "ann"),
        ];

        hashes.ShouldBeUnique();
    }

    /// <summary>Written out: length, tenant, user; HMAC-SHA256; the first eight bytes. A key that is kept must be the right one when secrets take turns.</summary>
    [Fact]
    public void Compute_SecretsInTurn_IsTheHmacUnderEach()
    {
        byte[] text = [4, 0, 0, 0, .. "acmeann"u8];
        for (var i = 0; i < 6; i++)
        {
            var secret = Secret.AsSpan(i % 3);
            IdentityHash.Compute(secret, "acme", "ann").ShouldBe(BitConverter.ToUInt64(System.Security.Cryptography.HMACSHA256.HashData(secret, text)));
        }
    }

    [Fact]
    public void Compute_LongAndForeignNames_AreTaken() =>
        IdentityHash.Compute(Secret, new string('é', 1_000), new string('山', 1_000)).ShouldNotBe(IdentityHash.Compute(Secret, new string('é', 1_000), new string('山', 1_001)));

    [Fact]
    public void Compute_ShortSecret_IsRefused()
    {
        Should.Throw<ArgumentException>(() => IdentityHash.Compute(new byte[15], "acme", "ann")).Message.ShouldContain("15 bytes");
        IdentityHash.Compute(new byte[16], "acme", "ann").ShouldNotBe(0ul);
    }
}
