using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Factumerit.Ledger.Storage;

/// <summary>Gives the migration tools the model without a database.</summary>
internal sealed class DesignTimeFactory : IDesignTimeDbContextFactory<LedgerDbContext>
{
    public LedgerDbContext CreateDbContext(string[] args) =>
        new(LedgerDatabase.Configure(new DbContextOptionsBuilder<LedgerDbContext>().UseNpgsql("Host=design-time")));
}
