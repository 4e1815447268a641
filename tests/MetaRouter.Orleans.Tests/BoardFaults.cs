using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

/// <summary>The board as the contract asks for faults.</summary>
internal sealed class BoardFaults(FaultBoard board) : IRouterFaults
{
    public void FailNextSave() => board.FailNextSave();

    public void LoseNextAnswer() => board.LoseNextAnswer();

    public IHeldSave HoldNextSave()
    {
        board.HoldNextSave();
        return new Held(board);
    }

    private sealed class Held(FaultBoard board) : IHeldSave
    {
        public Task Arrived { get; } = board.HeldAsync();

        public void LetGo() => board.LetGo();
    }
}
