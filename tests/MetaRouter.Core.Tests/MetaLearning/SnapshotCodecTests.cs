using System.Buffers.Binary;
using System.Security.Cryptography;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.MetaLearning;

public class SnapshotCodecTests
{
    private const int Hash = 32;
    private static readonly byte[] Trained = SnapshotCodec.Write(SomeSnapshots.TwoKinds);
    private static readonly byte[] Small = SnapshotCodec.Write(SomeSnapshots.ByHand([new("a", 0.5f, 1), new("b", 0.7f, 4)], SomeSnapshots.Sample(2, 0.5f, 0.75f, 0, 1)));

    private static readonly byte[] Sources = SnapshotCodec.Write(SomeSnapshots.TwoSourcesOfTwoTopics);
    private static readonly Dictionary<string, int> SourcesLayout = SnapshotLayout.Of(Sources);

    [Fact]
    public void Write_SeveralForests_IsOfTheirVersionAndOfOneAsBefore()
    {
        Sources[8].ShouldBe((byte)SnapshotCodec.ForestsVersion);
        Trained[8].ShouldBe((byte)SnapshotCodec.FormatVersion);
    }

    [Theory]
    [InlineData(1, "has 1 forests and")]
    [InlineData(17, "has 17 forests and")]
    [InlineData(3, "has 3 forests and")]
    public void Read_ForestsThatTheGateDoesNotTell_AreRefused(byte forests, string message)
    {
        Sources[SourcesLayout["forests"]].ShouldBe((byte)2);
        Message(Altered(Sources, b => b[SourcesLayout["forests"]] = forests)).ShouldContain(message);
    }

    /// <summary>As <see cref="Nonsense"/>, of what only several forests and topics have.</summary>
    public static TheoryData<string, string, string> NonsenseOfSources => new()
    {
        { "gate", "count -1", "claims -1 gate weights" },
        { "gate", "count huge", "gate weights with" },
        { "gate", "count 0", "2 forests and 0 gate weights" },
        { "gate[0]", "NaN", "gate weights of NaN" },
        { "forest[0].root[1]", "count huge", "not whole" },
        { "forest[1].forest scale", "count huge", "forest scales" },
        { "forest[1].node[0].feature", "byte 230", "splits on feature 230" },
        { "forest[1].node[0].skip", "short 60000", "skips 60000" },
        { "head[0].loading", "count huge", "tree loading" },
        { "head[1].loading[0]", "NaN", "tree loading of NaN" },
        { "head[2].known to", "short 60000", "known to sources 0xEA60, where there are 2" },
        { "head[0].on topic", "count huge", "quality on topics" },
        { "group[1].code", "byte 255", "codes are 1 to 63" },
        { "kind[0]", "byte 230", "each kind is in one of them" },
        { "speech[1].lapse", "double NaN", "strength" },
        { "latency share", "double -1", "mind waiting" },
    };

    [Theory]
    [MemberData(nameof(NonsenseOfSources))]
    public void Read_NonsenseOfSourcesUnderAGoodChecksum_IsRefused(string field, string value, string message) =>
        Message(Altered(Sources, b => Put(b.AsSpan(SourcesLayout[field]), value))).ShouldContain(message);

    /// <summary>The mean of heads of different lengths is none.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Read_AHeadThatAloneTellsOfNoTopics_IsRefused(int head)
    {
        var at = SourcesLayout[$"head[{head}].on topic"];
        byte[] none = [0, 0, 0, 0];
        Message(Sealed([.. Sources.AsSpan(0, at), .. none, .. Sources.AsSpan(at + 12)])).ShouldContain(head == 0 ? "tells of 2 topics, where 2 are known and the first model's tells of 0" : "tells of 0 topics");
    }

    /// <summary>Found by fuzzing: such bytes were read as other text, and written back as another snapshot.</summary>
    [Fact]
    public void Read_BytesThatAreNoText_AreRefused() => Message(Altered(Small, b => b[SnapshotLayout.Of(b)["origin"] + 2] = 0xFF)).ShouldContain("does not make sense");

    [Fact]
    public void Read_WhatWasWritten_IsTheSameToTheByte()
    {
        foreach (var bytes in new[] { Trained, Small, Sources })
        {
            var snapshot = SnapshotCodec.Read(bytes);
            SnapshotCodec.Write(snapshot).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
            SnapshotCodec.Read(bytes).Version.ShouldBe(snapshot.Version);
        }

        var read = SnapshotCodec.Read(Trained);
        read.Version.ShouldBe(SomeSnapshots.TwoKinds.Version);
        read.Origin.ShouldBe(SomeSnapshots.TwoKinds.Origin);
        read.Models.ShouldBe(SomeSnapshots.TwoKinds.Models);
        read.OutcomeCorrelation.ShouldBe(SomeSnapshots.TwoKinds.OutcomeCorrelation);
    }

    [Fact]
    public void Version_OfWhatShips_IsThatOfItsContent() => SnapshotCodec.ContentHash(Snapshot.Default).ShouldBe(Snapshot.Default.Version);

    /// <summary>Found by fuzzing: room was made for what a few bytes claimed.</summary>
    [Fact]
    public void Read_PackedLengthThatLies_TakesNoMoreRoomThanWhatComes()
    {
        var liar = SnapshotCodec.Pack(new byte[100]);
        BinaryPrimitives.WriteInt32LittleEndian(liar.AsSpan(8), 200 << 20);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Message(liar).ShouldContain($"does not unpack to the {200 << 20} bytes");

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1 << 20);
    }

    /// <summary>Found by fuzzing: what no training gives is refused or bounded, so that a snapshot that was read can always decide.</summary>
    [Fact]
    public void Predict_HeadsAtTheirBounds_GivesOutcomes()
    {
        var hand = SomeSnapshots.ByHand([new("small", 0.5f, 1, Tokens: 1e9f), new("large", 0.8f, 1e6)]);
        var pool = Core.Routing.RoutingPool.OfSnapshot(SnapshotCodec.Read(SnapshotCodec.Write(hand)));
        var encoding = new Core.Text.RequestEncoding();
        pool.Snapshot.Encoder.Encode("Why?", encoding);
        var (outcomes, tokens) = (new Core.Routing.Outcome[2], new float[2]);

        pool.Predict(encoding, float.NaN, outcomes, tokens, new float[pool.Projected]);

        outcomes.ShouldAllBe(o => o.IsValid);
        tokens[0].ShouldBe(1e7f);
        var wild = SomeSnapshots.ByHand([new("small", 0.5f, 1, Tokens: 2e9f)]);
        Message(SnapshotCodec.Write(wild)).ShouldContain("token factor of 2E+09");
    }

    /// <summary>Found by fuzzing: what a receipt could not hold was thrown at whoever asked.</summary>
    [Fact]
    public void Decide_AProjectionBeyondWhatAReceiptHolds_Decides()
    {
        var (hand, fields) = (Altered(Small, _ => { }), SnapshotLayout.Of(Small));
        for (var i = 0; i < PromptEncoder.Features; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(hand.AsSpan(fields["projection[0]"] + (4 * i)), -1e9f);
        }

        var pool = Core.Routing.RoutingPool.OfSnapshot(SnapshotCodec.Read(Sealed(hand)));
        var policy = new Core.Routing.RoutingPolicy(new Core.Routing.ReceiptSealer([new Core.Routing.ReceiptKey(1, new byte[Core.Routing.ReceiptKey.SecretBytes])]), new Core.Routing.Guardrails(), new Core.Routing.ExplorationPolicy());
        new Core.Users.UserModel(pool, Core.Users.UserState.Empty).Decide(new Core.Routing.RouteRequest("Why?"), policy, new Core.Routing.DecisionMoment(1, 2, 3, 4, 0.5), new RequestEncoding())
            .Candidates.ShouldAllBe(c => c.Predicted.IsValid);

        byte[] wide = [.. Small.AsSpan(0, fields["projection"]), .. BitConverter.GetBytes(17 * PromptEncoder.Features), .. new byte[17 * 4 * PromptEncoder.Features], .. Small.AsSpan(fields["forest scale"])];
        Message(Sealed(wide)).ShouldContain("up to 16 times");
    }

    [Fact]
    public void Read_WhatWasPacked_IsWhatWasWritten()
    {
        var packed = SnapshotCodec.Pack(Trained);
        packed.Length.ShouldBeLessThan(Trained.Length);
        SnapshotCodec.Write(SnapshotCodec.Read(packed)).AsSpan().SequenceEqual(Trained).ShouldBeTrue();
        Message(packed[..^5]).ShouldContain("does not unpack");
        Message(packed[..10]).ShouldContain("claims -1 bytes");
        var longer = (byte[])packed.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(longer.AsSpan(8), int.MaxValue);
        Message(longer).ShouldContain($"claims {int.MaxValue} bytes");
        BinaryPrimitives.WriteInt32LittleEndian(longer.AsSpan(8), Trained.Length + 1);
        Message(longer).ShouldContain("does not unpack");
    }

    [Fact]
    public void Read_WhatWasWritten_EncodesAlike()
    {
        var (a, b) = (new RequestEncoding(), new RequestEncoding());
        SomeSnapshots.TwoKinds.Encoder.Encode("Write a poem about 3 + 4", a);
        SnapshotCodec.Read(Trained).Encoder.Encode("Write a poem about 3 + 4", b);
        b.Features.ToArray().ShouldBe(a.Features.ToArray());
    }

    [Fact]
    public void WithPrior_Another_IsAnotherVersionAndReadsBack()
    {
        var prior = new PopulationPrior([new(0.25, -1, 0.5), new(0.75, 1, 0.3)], [0.2, 0.3, 0.5], 0.1);
        var changed = SomeSnapshots.TwoKinds.WithPrior(prior);
        changed.Version.ShouldNotBe(SomeSnapshots.TwoKinds.Version);
        var read = SnapshotCodec.Read(SnapshotCodec.Write(changed));
        read.Version.ShouldBe(changed.Version);
        read.Prior.Components.ShouldBe(prior.Components);
        read.Prior.BetaWeights.ShouldBe(prior.BetaWeights);
        read.Prior.Lapse.ShouldBe(0.1);
    }

    [Fact]
    public void Read_EveryPrefix_IsRefused()
    {
        // Every short length, then 300 spread over the rest.
        foreach (var length in Enumerable.Range(0, 64).Concat(Enumerable.Range(0, 300).Select(i => 64 + (int)((Small.Length - 64L) * i / 300))).Append(Small.Length - 1))
        {
            Should.Throw<SnapshotFormatException>(() => SnapshotCodec.Read(Small.AsSpan(0, length)), $"length {length}");
        }
    }

    [Fact]
    public void Read_AnyFlippedByte_IsRefused()
    {
        var random = new Random(1);
        var bytes = (byte[])Small.Clone();
        foreach (var at in Enumerable.Range(0, 12).Concat(Enumerable.Range(0, 500).Select(i => (int)((bytes.Length - 1L) * i / 499))))
        {
            var flip = (byte)random.Next(1, 256);
            bytes[at] ^= flip;
            Should.Throw<SnapshotFormatException>(() => SnapshotCodec.Read(bytes), $"byte {at} ^ {flip}");
            bytes[at] ^= flip;
        }

        SnapshotCodec.Read(bytes).Models.Count.ShouldBe(2);
    }

    [Fact]
    public void Read_AnotherKindOfFile_SaysSo()
    {
        Message("{ \"not\": \"a snapshot\" }"u8.ToArray()).ShouldContain("not a MetaRouter snapshot");
        Message([]).ShouldContain("These 0 bytes");
        Message("MRSNAPSH"u8.ToArray()).ShouldContain("cut short");
        Message(Small[..^1]).ShouldContain("fails its checksum");
    }

    [Fact]
    public void Read_AnotherFormatVersion_NamesBoth()
    {
        var message = Message(Altered(b => BinaryPrimitives.WriteUInt16LittleEndian(b.AsSpan(8), 77)));
        message.ShouldContain("format version 77");
        message.ShouldContain($"reads version {SnapshotCodec.FormatVersion}");
    }

    /// <summary>What a body says that no writer would: the field, the bytes there, and what the message must contain.</summary>
    public static TheoryData<string, string, string> Nonsense => new()
    {
        { "idf", "count -1", "claims -1 n-gram weights" },
        { "idf", "count huge", "n-gram weights with" },
        { "idf[0]", "half NaN", "n-gram weights of NaN" },
        { "idf[0]", "half -1", "n-gram weights of -1" },
        { "scale", "count 0", "found" },
        { "scale[0]", "NaN", "encoder scales of NaN" },
        { "scale[0]", "infinity", "encoder scales" },
        { "rows", "count huge", "encoder rows" },
        { "word scale[0]", "NaN", "word scales of NaN" },
        { "words", "count huge", "word vectors with" },
        { "word[1].bucket", "short 0", "after" },
        { "word[0].mark", "short 0", "mark 0" },
        { "topics", "count -1", "has -1 topics" },
        { "topics", "count huge", "topics and" },
        { "projection", "count 0", "projection has 0 numbers" },
        { "projection[0]", "NaN", "projection of NaN" },
        { "forest scale[0]", "NaN", "forest scales of NaN" },
        { "trees", "count huge", "trees" },
        { "root[0]", "count -1", "not whole" },
        { "root[1]", "count huge", "not whole" },
        { "nodes", "count huge", "tree nodes" },
        { "node[0].feature", "byte 230", "splits on feature 230" },
        { "node[0].threshold", "half NaN", "tree threshold of NaN" },
        { "node[0].skip", "short 0", "skips 0" },
        { "node[0].skip", "short 1", "skips 1" },
        { "node[0].skip", "short 60000", "skips 60000" },
        { "leaves", "count huge", "tree leaves" },
        { "models", "count 0", "" },
        { "models", "count -1", "models" },
        { "model[0].price", "double NaN", "price" },
        { "model[0].price", "double -1", "price" },
        { "model[0].window", "count 0", "context window of 0" },
        { "head[0].bias", "NaN", "bias of NaN" },
        { "head[0].tokens", "count huge", "token weights" },
        { "head[0].token factor", "-1", "token factor of -1" },
        { "head[0].prompt offset", "-1", "prompt token offset of -1" },
        { "head[0].prompt ratio", "-1", "prompt token ratio of -1" },
        { "correlation", "-1", "outcome correlation of -1" },
        { "correlation", "NaN", "outcome correlation of NaN" },
        { "start", "count -1", "calibration rows" },
        { "start[1]", "count -1", "calibration sample" },
        { "start[1]", "count huge", "calibration sample" },
        { "cell[0]", "short 60000", "calibration sample" },
        { "quality[0]", "half NaN", "expected quality of NaN" },
        { "quality[0]", "half -1", "expected quality of -1" },
        { "output tokens[0]", "-1", "completion tokens of -1" },
        { "output tokens[0]", "NaN", "completion tokens of NaN" },
        { "components", "count huge", "prior components" },
        { "component[0].weight", "double NaN", "weights that sum to 1" },
        { "component[0].weight", "double -1", "weights that sum to 1" },
        { "betas", "count 0", "sharpness weights" },
        { "lapse", "double NaN", "lapse" },
        { "lapse", "double -1", "lapse" },
        { "origin", "byte 255", "" },
    };

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void Read_NonsenseUnderAGoodChecksum_IsRefused(string field, string value, string message)
    {
        var at = SnapshotLayout.Of(Small)[field];
        var bytes = Altered(b => Put(b.AsSpan(at), value));
        Message(bytes).ShouldContain(message);
    }

    [Fact]
    public void Read_TextLengthThatIsNoLength_IsRefused()
    {
        var origin = SnapshotLayout.Of(Small)["origin"];
        foreach (var length in new byte[][] { [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF, 0x07] })
        {
            Message(Altered(b => length.CopyTo(b.AsSpan(origin)))).ShouldContain("does not make sense");
        }
    }

    [Fact]
    public void Read_AForestWithoutNodes_IsRefused()
    {
        // The nodes of the small snapshot are three leaves (1 byte each) and a split (5): take them all out, and the leaves.
        var layout = SnapshotLayout.Of(Small);
        byte[] none = [0, 0, 0, 0, 0, 0, 0, 0];
        byte[] bytes = [.. Small.AsSpan(0, layout["nodes"]), .. none, .. Small.AsSpan(layout["models"])];
        Message(Sealed(bytes)).ShouldContain("not whole");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void Read_TrailingBytes_AreRefused(int extra) =>
        Message(Sealed([.. Small.AsSpan(0, Small.Length - Hash), .. new byte[extra + Hash]])).ShouldContain($"{extra} bytes after its end");

    [Theory]
    [InlineData(false, 120)]
    [InlineData(true, 60)]
    public void Read_RandomNoiseUnderAGoodChecksum_IsRefusedOrSafe(bool ofSources, int seeds)
    {
        // Beyond the big tables, where a changed byte means something else than another weight.
        var (whole, layout) = ofSources ? (Sources, SourcesLayout) : (Small, SnapshotLayout.Of(Small));
        var from = layout["projection"] + 4 + (2 * PromptEncoder.Features * 4);
        int[] heads = [.. layout.Where(f => f.Key.StartsWith("head", StringComparison.Ordinal) || f.Key.StartsWith("gate", StringComparison.Ordinal)).Select(f => f.Value)];
        for (var seed = 0; seed < seeds; seed++)
        {
            var random = new Random(seed);
            var bytes = Altered(whole, b =>
            {
                for (var i = 0; i < random.Next(1, 4); i++)
                {
                    var at = random.Next(2) == 0 ? random.Next(from, b.Length - Hash) : Math.Min(heads[random.Next(heads.Length)] + random.Next(4), b.Length - Hash - 1);
                    b[at] = (byte)random.Next(256);
                }
            });
            try
            {
                var snapshot = SnapshotCodec.Read(bytes);
                var newcomer = new Core.Catalog.ModelProfile(new("newcomer"), new(1), new(2));
                foreach (var pool in new[] { Core.Routing.RoutingPool.OfSnapshot(snapshot), new(snapshot, new([snapshot.Models[0], newcomer])) })
                {
                    var (into, outcomes) = (new RequestEncoding(), new Core.Routing.Outcome[pool.Catalog.Count]);
                    pool.Snapshot.Encoder.Encode("some text", into);
                    pool.Predict(into, float.NaN, outcomes, new float[pool.Catalog.Count], new float[pool.Projected]);
                    outcomes.ShouldAllBe(o => o.IsValid, $"seed {seed}");
                }
            }
            catch (SnapshotFormatException)
            {
            }
        }
    }

    private static void Put(Span<byte> at, string value)
    {
        switch (value)
        {
            case "count 0": BinaryPrimitives.WriteInt32LittleEndian(at, 0); break;
            case "count -1": BinaryPrimitives.WriteInt32LittleEndian(at, -1); break;
            case "count huge": BinaryPrimitives.WriteInt32LittleEndian(at, int.MaxValue); break;
            case "NaN": BinaryPrimitives.WriteSingleLittleEndian(at, float.NaN); break;
            case "infinity": BinaryPrimitives.WriteSingleLittleEndian(at, float.PositiveInfinity); break;
            case "-1": BinaryPrimitives.WriteSingleLittleEndian(at, -1); break;
            case "half NaN": BinaryPrimitives.WriteHalfLittleEndian(at, Half.NaN); break;
            case "half -1": BinaryPrimitives.WriteHalfLittleEndian(at, (Half)(-1)); break;
            case "double NaN": BinaryPrimitives.WriteDoubleLittleEndian(at, double.NaN); break;
            case "double -1": BinaryPrimitives.WriteDoubleLittleEndian(at, -1); break;
            case "byte 230": at[0] = 230; break;
            case "byte 255": at[0] = 255; break;
            case "short 0": BinaryPrimitives.WriteUInt16LittleEndian(at, 0); break;
            case "short 1": BinaryPrimitives.WriteUInt16LittleEndian(at, 1); break;
            case "short 60000": BinaryPrimitives.WriteUInt16LittleEndian(at, 60_000); break;
            default: throw new ArgumentOutOfRangeException(nameof(value), value, "No such change.");
        }
    }

    private static byte[] Altered(Action<byte[]> change) => Altered(Small, change);

    private static byte[] Altered(byte[] whole, Action<byte[]> change)
    {
        var bytes = (byte[])whole.Clone();
        change(bytes);
        return Sealed(bytes);
    }

    /// <summary>The last 32 bytes made the checksum of the others.</summary>
    private static byte[] Sealed(byte[] bytes)
    {
        SHA256.HashData(bytes.AsSpan(0, bytes.Length - Hash), bytes.AsSpan(bytes.Length - Hash));
        return bytes;
    }

    private static string Message(byte[] bytes) => Should.Throw<SnapshotFormatException>(() => SnapshotCodec.Read(bytes)).Message;
}
