namespace MetaRouter.Cli;

internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>A fault of the program.</summary>
    public const int Fault = 1;

    /// <summary>What the caller gave cannot be used: arguments, files, data.</summary>
    public const int BadInput = 2;

    /// <summary>The gateway is not there, or cannot answer now.</summary>
    public const int Unavailable = 3;

    /// <summary>128 + SIGINT, as shells expect.</summary>
    public const int Cancelled = 130;

    /// <summary>128 + SIGPIPE, likewise: the reader of the results is gone.</summary>
    public const int NotRead = 141;
}
