using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Routing;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Tokens that were changed, spliced, or sealed with a foreign secret under a known key id; and receipts of any bits given to the sealer. A token opens only if it is,
/// character for character, one that was sealed; a receipt is refused by the sealer or comes back as it was.
/// </summary>
internal sealed class ReceiptTarget : FuzzTarget
{
    private const byte Token = (byte)'T', Fields = (byte)'F';
    private const int FieldBytes = 120;

    private static readonly float[] Floats = [0, -0f, 1, -1, 0.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, float.MaxValue, float.MinValue, 1.0000001f, 65504, 65520];

    private readonly ReceiptSealer _sealer = new([SomeReceipts.Key(2), SomeReceipts.Key(1)]);
    private readonly (string Text, Receipt Receipt)[] _sealed;
    private readonly Mutator _texts, _bytes;
    private readonly byte[] _scratch = new byte[1 << 16];

    public ReceiptTarget()
        : base("receipts", 4096)
    {
        using var older = new ReceiptSealer([SomeReceipts.Key(1)]);
        using var foreign = new ReceiptSealer([new ReceiptKey(2, new byte[ReceiptKey.SecretBytes])]);
        var random = new Random(1);
        _sealed = [.. Enumerable.Range(0, 64).Select(i =>
        {
            var receipt = SomeReceipts.Any(random);
            return ((i % 2 == 0 ? _sealer : older).Seal(receipt), receipt);
        })];
        string[] others = [.. Enumerable.Range(0, 16).Select(_ => foreign.Seal(SomeReceipts.Any(random)))];
        byte[][] texts = [.. _sealed.Select(s => s.Text).Concat(others).Select(Encoding.ASCII.GetBytes)];
        _texts = new Mutator(texts, isText: true, "UgEB", "UgEC", "UgIC", "=", "==", "+", "/", "-", "_", "chatcmpl-");
        _bytes = new Mutator([.. texts.Select(t => Base64Url.DecodeFromUtf8(t))], isText: false);
    }

    public override string Reads => "`ReceiptSealer.Open` and `Seal`";

    public override void Draw(Chance chance)
    {
        if (chance.OneIn(3))
        {
            Input.Set(_scratch.AsSpan(0, 1 + FieldBytes));
            chance.NextBytes(Input.Bytes[1..]);
            Input.Bytes[0] = Fields;
            for (var at = 53; at + 4 <= Input.Length; at += 4)
            {
                if (!chance.OneIn(16))
                {
                    BinaryPrimitives.WriteSingleLittleEndian(Input.Bytes[at..], chance.OneIn(12) ? chance.Of<float>(Floats) : chance.NextSingle());
                }
            }

            return;
        }

        if (chance.OneIn(2))
        {
            _bytes.Draw(chance, Input);
            Input.Set(_scratch.AsSpan(0, Base64Url.EncodeToUtf8(Input.Bytes, _scratch)));
        }
        else if (chance.OneIn(16))
        {
            Input.Set(Encoding.ASCII.GetBytes(_sealed[chance.Next(_sealed.Length)].Text));
        }
        else
        {
            _texts.Draw(chance, Input);
        }

        Input.Replace(0, 0, [Token, (byte)chance.Next(_sealed.Length)]);
    }

    public override bool Run() => Input.Bytes is [Fields, .. var fields] ? RunFields(fields) : RunToken(Input.Bytes[2..], _sealed[Input.Bytes[1] % _sealed.Length].Receipt);

    public override ValueTask DisposeAsync()
    {
        _sealer.Dispose();
        return base.DisposeAsync();
    }

    private bool RunToken(ReadOnlySpan<byte> bytes, in Receipt of)
    {
        Span<char> token = stackalloc char[bytes.Length];
        for (var i = 0; i < token.Length; i++)
        {
            token[i] = (char)(bytes[i] < 0x80 ? bytes[i] : bytes[i] * 257); // beyond ASCII, half surrogates too
        }

        // Whoever the token is of: the one it may be of is asked first, so that a change that survives the seal would be seen.
        var isAnswered = false;
        foreach (var (text, receipt) in _sealed)
        {
            if (token.SequenceEqual(text))
            {
                var own = _sealer.Open(token, receipt.TenantHash, receipt.UserHash, receipt.DecisionTimeMs, out var opened);
                Promise(own.IsValid && opened == receipt, "What was sealed does not open.");
                Promise(!_sealer.Open(token, receipt.TenantHash, receipt.UserHash ^ 1, receipt.DecisionTimeMs, out _).IsValid, "Another user's receipt opens.");
                isAnswered = true;
            }
        }

        var verdict = _sealer.Open(token, of.TenantHash, of.UserHash, of.DecisionTimeMs, out var found);
        Promise(isAnswered || !verdict.IsValid, "A token nobody sealed opens.");
        Promise(verdict.IsValid || (found == default && verdict.Message.Length > 20), "A refused token tells something, or not why.");
        return isAnswered;
    }

    private bool RunFields(ReadOnlySpan<byte> bytes)
    {
        Receipt receipt;
        string token;
        try
        {
            receipt = Read(bytes);
            token = _sealer.Seal(receipt);
        }
        catch (ArgumentException)
        {
            return false;
        }

        var verdict = _sealer.Open(token, receipt.TenantHash, receipt.UserHash, receipt.DecisionTimeMs, out var opened);
        Promise(verdict.IsValid && opened == receipt, $"A sealed receipt comes back changed, {verdict.Status}: {receipt}");
        return true;
    }

    private static Receipt Read(ReadOnlySpan<byte> b)
    {
        var features = new float[b[40] % 18];
        for (var i = 0; i < features.Length; i++)
        {
            features[i] = BinaryPrimitives.ReadSingleLittleEndian(b[(52 + (4 * (i % 17)))..]);
        }

        return new()
        {
            TenantHash = BinaryPrimitives.ReadUInt64LittleEndian(b),
            UserHash = BinaryPrimitives.ReadUInt64LittleEndian(b[8..]),
            DecisionTimeMs = BinaryPrimitives.ReadInt64LittleEndian(b[16..]) >> (b[41] % 3 * 17),
            Nonce = BinaryPrimitives.ReadUInt32LittleEndian(b[24..]) >> (b[41] % 5 * 8 % 32),
            SnapshotVersion = BinaryPrimitives.ReadUInt64LittleEndian(b[28..]),
            CatalogVersion = BinaryPrimitives.ReadUInt64LittleEndian(b[30..]),
            ChosenModel = BinaryPrimitives.ReadUInt32LittleEndian(b[36..]) >> (b[41] == 0 ? 31 : 0),
            OfferedModel = BinaryPrimitives.ReadUInt32LittleEndian(b[32..]),
            Propensity = Single(b, 0),
            PairPropensity = Single(b, 1),
            IsExplored = (b[42] & 1) != 0,
            IsComparison = (b[42] & 2) != 0,
            First = new Outcome(Single(b, 2), Single(b, 3), Single(b, 4)),
            Offered = new Outcome(Single(b, 5), Single(b, 6), Single(b, 7)),
            Middle = new Outcome(Single(b, 8), Single(b, 9), Single(b, 10)),
            InputTokens = Single(b, 11),
            OutputTokens = Single(b, 12),
            Features = new ReceiptFeatures(features),
        };

        static float Single(ReadOnlySpan<byte> b, int i) => BinaryPrimitives.ReadSingleLittleEndian(b[(52 + (4 * i))..]);
    }
}
