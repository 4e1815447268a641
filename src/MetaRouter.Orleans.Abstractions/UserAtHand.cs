using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans;

/// <summary>A user on the way to a worker: the model itself within a silo, the state record should it ever leave one.</summary>
[GenerateSerializer, Immutable, Alias("metarouter.user-at-hand")]
public sealed class UserAtHand
{
    [NonSerialized]
    private readonly UserModel? _model;

    public UserAtHand(UserModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    [Id(0)]
    public byte[] State { get => _model is null ? field ?? [] : _model.State.ToBytes(); private set; }

    /// <summary>The user; under this pool if it comes from another silo.</summary>
    public UserModel On(RoutingPool pool) => _model ?? new UserModel(pool, UserState.Read(State));
}
