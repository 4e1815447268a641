using System.Diagnostics;

namespace MetaRouter.Hosting.Tests;

/// <summary>
/// A test that mounts a file system: a small one to fill, one to make read-only (permissions do not bind an administrator). Skipped, with the reason,
/// where mounting is not allowed.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MountFactAttribute : FactAttribute
{
    public static bool MayMount { get; } = Try();

    public MountFactAttribute()
    {
        if (!MayMount)
        {
            Skip = "Mounting a tmpfs is not allowed here.";
        }
    }

    public static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static bool Try()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        using var folder = new TemporaryFolder();
        return Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.Path) && Run("umount", folder.Path);
    }
}

/// <summary>A small file system of its own.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallDisk(int kilobytes) => MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", FormattableString.Invariant($"size={kilobytes}k"), "tmpfs", _folder.Path).ShouldBeTrue();

    public string File(string name) => _folder.File(name);

    public void MakeReadOnly() => MountFactAttribute.Run("mount", "-o", "remount,ro", _folder.Path).ShouldBeTrue();

    public void Dispose()
    {
        MountFactAttribute.Run("umount", "-l", _folder.Path);
        _folder.Dispose();
    }
}
